// Noise in one's own network: x times, or plus, a fresh draw of a law at each training step.
//
//   scalemix::nn::Noise noise("bernoulli:p=0.5", "unit");
//   y = noise->forward(x);
//
// x (N, ...) of any floating type, (N, C, ...) for site channel, (O, I, ...) for site weight; which
// values share a draw: op/noise.h. train(): the counter `draw` goes up by one each call. eval():
// no draw; x times the multiplier's centre (1 where it has mean 1, else its median), or plus the
// mean. Gradients redraw the noise, so a mask is kept nowhere.
#pragma once

#include <string>

#include "scalemix/law/any_law.h"
#include "scalemix/torch/nn/draws.h"

namespace scalemix::inline v0::nn {

struct NoiseOptions {
  NoiseOptions(std::string law, std::string site = "unit")  // NOLINT: implicit, as in torch::nn
      : law_(std::move(law)), site_(std::move(site)) {}
  /// The law with its parameters: "gaussian:alpha=0.25".
  TORCH_ARG(std::string, law);
  /// unit, channel, layer or weight.
  TORCH_ARG(std::string, site);
  /// multiply or add.
  TORCH_ARG(std::string, mode) = "multiply";
  TORCH_ARG(DrawOptions, draws) = {};
};

class NoiseImpl : public Drawing<NoiseImpl> {
 public:
  /// Throws ConfigError for an unknown law or word, std::domain_error for parameters out of range
  /// and for a law without a finite mean in mode add.
  explicit NoiseImpl(NoiseOptions options);
  explicit NoiseImpl(std::string law, std::string site = "unit")
      : NoiseImpl(NoiseOptions(std::move(law), std::move(site))) {}

  void reset() override;
  torch::Tensor forward(const torch::Tensor& x);
  void pretty_print(std::ostream& out) const override;

  NoiseOptions options;

 private:
  law::AnyLaw law_;
  torch::Tensor params_;  // float64 (P), on the host
};
TORCH_MODULE(Noise);

}  // namespace scalemix::inline v0::nn
