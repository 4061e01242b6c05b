// Stochastic depth as it was released (Huang et al. 2016): one gate per residual branch and batch, which
// training does not rescale and a prediction without draws multiplies by its probability. Draws of a
// prediction have one gate per draw, for all rows.

#include <algorithm>

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::model {
namespace {

void scale(const At& at, float by, const float* x, float* y) {
  kernel::for_tiles(at.rows * elements(at.use.shape), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) y[i] = by * x[i];
  });
}

float gate(const At& at) { return law::bernoulli_sampler(at.value(0), 1)(at.stream.word(0)); }

}  // namespace

NoiseKind gate_noise() {
  NoiseKind kind{.name = "gate",
                 .summary = "one gate per batch, not rescaled",
                 .source = "Huang, Sun, Liu, Sedra & Weinberger (2016)"};
  kind.parameters = {{"p", 0.5, 0, 1, false, true, "probability that the branch is left out"}};
  kind.scheduled = {"p"};
  kind.by_method = false;
  kind.in_place = true;
  kind.forward = [](const At& at, const float* x, float* y) {
    scale(at, gate(at), x, y);
    return 0.0;
  };
  kind.backward = [](const At& at, const float*, const float* dy, float* dx, double) {
    if (dx) scale(at, gate(at), dy, dx);
  };
  kind.centre = [](const At& at, float* x) {
    scale(at, static_cast<float>(1 - at.use.values[0]), x, x);
  };
  kind.signal = [](const Noise& noise, const Layer&) {
    return signal_like("bernoulli", noise.values[0], "gate");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
