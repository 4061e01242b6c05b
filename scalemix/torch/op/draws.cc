#include "scalemix/torch/op/draws.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>

namespace scalemix::inline v0::op {

void check_sources(const char* op, const at::Tensor& x, const at::Tensor& seed,
                   const OptionalTensor& columns, const c10::SymInt& count) {
  check_type(op, "seed", seed, at::kLong);
  check_shape(op, "seed", seed, {x.sym_size(0)});
  check_device(op, "seed", seed, x);
  if (!columns) return;
  check_type(op, "columns", *columns, at::kLong);
  check_shape(op, "columns", *columns, {count});
  check_device(op, "columns", *columns, x);
}

void Draws::check(const char* op) const {
  constexpr std::int64_t kEnd = std::int64_t{1} << 32;
  TORCH_CHECK(stream >= 0 && stream < kEnd, op, ": stream must be in [0, 2^32), got ", stream);
  TORCH_CHECK(draw >= 0 && draw < kEnd, op, ": draw must be in [0, 2^32), got ", draw);
  TORCH_CHECK(row0 >= 0, op, ": row0 must not be negative, got ", row0);
  TORCH_CHECK(width >= 0, op, ": width must not be negative, got ", width);
}

HostDraws::HostDraws(const char* op, const at::Tensor& seed, const Draws& draws,
                     const OptionalTensor& columns, kernel::Site site)
    : seed_(seed.contiguous()), draws_(draws), site_(site) {
  draws.check(op);
  site_.row0 = draws.row0;
  site_.width = draws.width ? draws.width : static_cast<std::int64_t>(site.columns);
  if (!columns) {
    TORCH_CHECK(site_.width >= site_.columns, op, ": expected a width of at least ", site_.columns,
                " columns, got ", site_.width);
    return;
  }
  columns_ = columns->contiguous();
  site_.logical = columns_.data_ptr<std::int64_t>();
  for (std::size_t c = 0; c < site_.columns; ++c) {
    const std::int64_t logical = site_.logical[c];
    TORCH_CHECK(logical >= 0 && logical < static_cast<std::int64_t>(site_.width), op,
                ": expected columns in [0, ", site_.width, "), got ", logical);
  }
}

Stream HostDraws::stream(std::int64_t replica) const {
  return {static_cast<std::uint64_t>(seed_.data_ptr<std::int64_t>()[replica]),
          static_cast<std::uint32_t>(draws_.stream), static_cast<std::uint32_t>(draws_.draw)};
}

std::vector<law::AnyLaw> laws_of(const std::string& name, const at::Tensor& params,
                                 std::int64_t replicas) {
  const at::Tensor host = params.to(at::kCPU).contiguous();
  const std::int64_t rows = params.dim() == 1 ? 1 : replicas, count = host.size(-1);
  const double* values = host.data_ptr<double>();
  std::vector<law::AnyLaw> laws;
  for (std::int64_t r = 0; r < rows; ++r) {
    laws.push_back(law::AnyLaw::make(name, {values + r * count, static_cast<std::size_t>(count)}));
  }
  return laws;
}

const law::Sampler& standard_normal() {
  static const law::AnyLaw normal = law::AnyLaw::make("normal", std::array{1.0});
  return normal.raw();
}

}  // namespace scalemix::inline v0::op
