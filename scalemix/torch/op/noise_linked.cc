#include "scalemix/torch/op/noise_linked.h"

#include <torch/torch.h>

#include "scalemix/torch/op/laws.h"
#include "scalemix/torch/op/noise_bits.h"

namespace scalemix::inline v0::op {
namespace {

// The trapezoidal rule for the mean of sigmoid(mu + sigma s), as law/logistic_normal.h has it.
constexpr double kStep = 0.08, kReach = 15;

/// The mean of a logistic-normal law of each entry.
at::Tensor mean_of(const at::Tensor& mu, const at::Tensor& sigma) {
  const at::Tensor s = at::arange(-kReach, kReach, kStep, mu.options().dtype(at::kDouble));
  const at::Tensor weight = (s * s / -2).exp() * (kStep / std::sqrt(2 * M_PI));
  const at::Tensor e = mu.to(at::kDouble).unsqueeze(-1) + sigma.to(at::kDouble).unsqueeze(-1) * s;
  return (e.sigmoid() * weight).sum(-1);
}

/// A number of the call (), a replica (R), or a replica's column (R, K), in a shape that meets x.
at::Tensor beside(const at::Tensor& p, const std::string& site, const at::Tensor& x) {
  if (p.dim() == 0) return p;
  const c10::SymIntArrayRef sizes = x.sym_sizes();
  std::vector<c10::SymInt> shape(sizes.size(), 1);
  shape[0] = sizes[0];
  if (p.dim() == 2 && site != "layer") {
    const std::size_t from = site == "weight" ? 1 : 2, to = site == "channel" ? 3 : sizes.size();
    for (std::size_t i = from; i < to; ++i) shape[i] = sizes[i];
  }
  return p.reshape_symint(shape);
}

}  // namespace

bool has_link(const std::string& law) { return law == "lognormal" || law == "logistic_normal"; }

at::Tensor linked_noise(const at::Tensor& x, const at::Tensor& s, const std::string& law,
                        const at::Tensor& params, const std::string& site, bool multiply) {
  if (is_plain(params)) laws_of(law, params);  // checks their ranges, and makes no table
  const auto parameter = [&](std::int64_t i) { return params.select(-1, i); };
  const auto meets = [&](const at::Tensor& p) {
    return beside(p, site, x).to(s.device(), s.scalar_type());
  };
  at::Tensor z;
  if (law == "lognormal") {
    const at::Tensor sigma = meets(parameter(0));
    z = (sigma * s - sigma * sigma / 2).exp();
  } else {
    z = (meets(parameter(0)) + meets(parameter(1)) * s).sigmoid();
    if (multiply) z = z / meets(mean_of(parameter(0), parameter(1)));
  }
  const at::Tensor in = operand(x);
  return (multiply ? in * z : in + z).to(x.scalar_type());
}

}  // namespace scalemix::inline v0::op
