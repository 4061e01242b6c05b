#include "scalemix/torch/nn/weights.h"

#include "scalemix/kernel/variational.h"
#include "scalemix/torch/op/noise.h"

namespace scalemix::inline v0::nn {
namespace {

torch::Tensor kept(const model::Layer& spec, const torch::Tensor& weight,
                   const torch::Tensor& log_sigma2) {
  return log_alpha(weight, log_sigma2) < spec.threshold;
}

}  // namespace

OpLaw::OpLaw(const std::string& spec) : law(law::AnyLaw::parse(spec)) {
  params =
      torch::tensor(std::vector<double>(law.values().begin(), law.values().end()), torch::kFloat64);
}

torch::Tensor noisy_weight(const std::optional<OpLaw>& law, std::uint32_t site,
                           const torch::Tensor& weight, const Pass& pass) {
  if (!law) return weight;
  if (!pass.noisy) {
    const double centre = law->law.centre();
    return centre == 1 ? weight : weight * centre;
  }
  return op::noise(weight, pass.seed, law->name(), law->params, "weight", "multiply",
                   pass.stream(site), pass.draw);
}

torch::Tensor log_alpha(const torch::Tensor& weight, const torch::Tensor& log_sigma2) {
  return (log_sigma2 - torch::log(weight * weight + kernel::kSquareEps))
      .clamp(-kernel::kLogAlphaClip, kernel::kLogAlphaClip);
}

torch::Tensor masked_weight(const model::Layer& spec, const torch::Tensor& weight,
                            const torch::Tensor& log_sigma2) {
  return weight * kept(spec, weight, log_sigma2);
}

torch::Tensor masked_variance(const model::Layer& spec, const torch::Tensor& weight,
                              const torch::Tensor& log_sigma2) {
  return torch::exp(log_sigma2) * kept(spec, weight, log_sigma2);
}

}  // namespace scalemix::inline v0::nn
