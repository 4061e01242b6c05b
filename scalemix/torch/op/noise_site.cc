#include "scalemix/torch/op/noise_site.h"

#include <torch/torch.h>

#include <algorithm>

namespace scalemix::inline v0::op {
namespace {

constexpr const char* kOp = "noise";

/// How many columns x (R, N, ...) has at a site, in traced sizes.
c10::SymInt columns_at(const std::string& site, const at::Tensor& x) {
  if (site == "layer") return 1;
  if (site == "channel") {
    check_dims(kOp, "x", x, 3);
    return x.sym_size(2);
  }
  TORCH_CHECK(site == "unit" || site == "weight", kOp,
              ": expected site unit, channel, layer or weight, got ", site);
  c10::SymInt count = 1;
  for (std::int64_t i = site == "unit" ? 2 : 1; i < x.dim(); ++i) count = count * x.sym_size(i);
  return count;
}

}  // namespace

bool multiplies(const std::string& mode) {
  TORCH_CHECK(mode == "multiply" || mode == "add", kOp, ": expected mode multiply or add, got ",
              mode);
  return mode == "multiply";
}

void check_noise(const at::Tensor& x, const at::Tensor& seed, const at::Tensor& draw,
                 const at::Tensor& params, const std::string& site, const std::string& mode,
                 const OptionalTensor& columns) {
  check_floating(kOp, "x", x);
  check_dims(kOp, "x", x, 2);
  multiplies(mode);
  const c10::SymInt count = columns_at(site, x);
  check_sources(kOp, x, seed, draw, columns, count);
  check_params(kOp, params, x.sym_size(0), count);
}

kernel::Site site_of(const std::string& site, const at::Tensor& x) {
  const std::size_t columns = columns_at(site, x).guard_int(__FILE__, __LINE__);
  const std::size_t rows = site == "weight" ? 1 : x.size(1);
  const std::size_t entries = x.size(0) * rows * columns;
  return {.rows = rows, .columns = columns, .inner = entries ? x.numel() / entries : 0};
}

at::Tensor spread(const at::Tensor& z, const std::string& site, const at::Tensor& x) {
  if (site == "unit" || site == "weight") return z.reshape(x.sizes());
  std::vector<std::int64_t> shape(x.dim(), 1);
  std::copy_n(x.sizes().begin(), site == "channel" ? 3 : 2, shape.begin());
  return z.reshape(shape);
}

at::Tensor applied(const at::Tensor& x, const at::Tensor& z, const std::string& site,
                   bool multiply) {
  const at::Tensor in = operand(x), each = spread(z, site, x).to(in.scalar_type());
  return (multiply ? in * each : in + each).to(x.scalar_type());
}

}  // namespace scalemix::inline v0::op
