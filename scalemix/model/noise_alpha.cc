// Alpha dropout (Klambauer et al. 2017), for networks with SELU: what is dropped becomes -a', the value
// that SELU saturates at, and an affine map keeps mean 0 and variance 1.
//
//   y = a (x if kept, else -a') + b,  a' = lambda alpha = 1.7580993408473766
//   a = 1 / sqrt((1 - p) (1 + p a'^2)),  b = p a a'

#include <cmath>

#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr double kSaturation = 1.7580993408473766;

struct Affine {
  double a, b;
  explicit Affine(double p)
      : a(1 / std::sqrt((1 - p) * (1 + p * kSaturation * kSaturation))), b(p * a * kSaturation) {}
};

double forward(const At& at, const float* x, float* y) {
  const double p = at.value(0);
  const Affine map(p);
  const auto a = static_cast<float>(map.a), b = static_cast<float>(map.b),
             gone = static_cast<float>(map.b - map.a * kSaturation);
  draw_places(at, law::bernoulli_sampler(p, 1), at.kept);
  for_places(at, [&](std::size_t i) { y[i] = at.kept[i] != 0 ? a * x[i] + b : gone; });
  return 0;
}

void backward(const At& at, const float*, const float* dy, float* dx, double) {
  if (!dx) return;
  const auto a = static_cast<float>(Affine(at.value(0)).a);
  for_places(at, [&](std::size_t i) { dx[i] = dy[i] * at.kept[i] * a; });
}

}  // namespace

NoiseKind alpha_noise() {
  NoiseKind kind{.name = "alpha",
                 .summary = "dropout to SELU's saturation, mean and variance kept",
                 .source = "Klambauer, Unterthiner, Mayr & Hochreiter (2017)"};
  kind.parameters = {{"p", 0.1, 0, 1, false, true, "drop probability"}};
  kind.scheduled = {"p"};
  kind.own_layer = true;
  kind.kept = keeps_places;
  kind.in_place = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.signal = [](const Noise&, const Layer&) { return NoiseSignal{.word = "alpha"}; };
  return kind;
}

}  // namespace scalemix::inline v0::model
