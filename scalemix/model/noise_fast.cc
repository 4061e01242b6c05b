// Fast dropout (Wang & Manning 2013): x b / k with P(b = 1) = k = 1 - p on what a layer takes, of which
// the layer carries on mean and variance (engine/fast.cc).

#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {

NoiseKind fast_noise() {
  NoiseKind kind{.name = "fast",
                 .summary = "dropout by its mean and variance, without a draw",
                 .source = "Wang & Manning (2013)"};
  kind.where = Where::pairs;
  kind.by_method = false;  // its method makes pairs of the network (method_fast.h)
  kind.parameters = {{"p", 0.5, 0, 0.999, false, false, "drop probability of what a layer takes"}};
  kind.scheduled = {"p"};
  kind.signal = [](const Noise& noise, const Layer&) {
    NoiseSignal out{.law = law::AnyLaw::make("bernoulli", std::vector{noise.values[0]})};
    out.word = out.law->spec();
    return out;
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
