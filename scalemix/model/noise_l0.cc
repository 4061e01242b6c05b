// Hard-concrete gates (Louizos, Welling & Kingma 2018): groups of weights times a gate that is exactly 0
// or 1 with a probability that is learned, so that the expected number of weights has a gradient.
//
//   s = sigmoid((log u - log(1 - u) + a) / beta),   z = clip(s (zeta - gamma) + gamma, 0, 1)
//   beta = 2/3, gamma = -0.1, zeta = 1.1,           P(z > 0) = sigmoid(a - beta log(-gamma / zeta))
//   penalty = sum over groups of P(z > 0) (lambda |g| + decay / 2 |w_g|^2)
//   deterministic: clip(sigmoid(a) (zeta - gamma) + gamma, 0, 1), which is not E z
//
// Groups are the weights of an input of a dense layer, and of an output channel of a convolution, whose
// gate stands before the bias. The released program adds the cost of a convolution's biases with the
// wrong sign; biases have none here. gate=batch draws one gate per step for all rows, as that
// program does in training; gate=row one per row. A group whose deterministic gate is 0 is switched
// off, in draws of a prediction as well.

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kLambda = 1, kDecay = 2, kGate = 3;  // parameters
constexpr double kBeta = 2.0 / 3, kGamma = -0.1, kZeta = 1.1;
constexpr double kLeast = 0.01, kMost = 100;  // exp(a)
constexpr double kEdge = 1e-6;                // u stays as far from 0 and 1

std::size_t gates(const At& at) { return at.use.site.columns; }
bool per_row(const NoiseUse& use) { return use.values[kGate] != 0; }

double open_probability(double a) { return logistic(a - kBeta * std::log(-kGamma / kZeta)); }
double still_gate(double a) {
  return std::clamp(logistic(a) * (kZeta - kGamma) + kGamma, 0.0, 1.0);
}

struct Gate {
  double z, slope;  // by a
};
Gate gate_of(double u, double a) {
  u = std::clamp(u, kEdge, 1 - kEdge);
  const double s = logistic((std::log(u) - std::log1p(-u) + a) / kBeta);
  const double stretched = s * (kZeta - kGamma) + kGamma;
  if (stretched <= 0) return {0, 0};
  if (stretched >= 1) return {1, 0};
  return {stretched, s * (1 - s) / kBeta * (kZeta - kGamma)};
}

/// Kept: gates (rows, columns), then their slopes by a; gate=batch: one row of both.
std::size_t drawn(const At& at) { return (per_row(at.use) ? at.rows : 1) * gates(at); }

void draw(const At& at) {
  kernel::Site site = at.site();
  if (!per_row(at.use)) {
    site.rows = 1, site.row0 = 0, site.group = 0;
  }
  float *z = at.kept, *slope = at.kept + drawn(at);
  kernel::draws(at.use.draws.raw, at.stream, site, z);
  kernel::for_tiles(drawn(at), [&](std::size_t first, std::size_t n) {
    for (std::size_t i = first; i < first + n; ++i) {
      const double a = at.own[0][i % gates(at)];
      const bool shut = !at.train && still_gate(a) == 0;
      const Gate gate = shut ? Gate{0, 0} : gate_of(z[i], a);
      z[i] = static_cast<float>(gate.z);
      slope[i] = static_cast<float>(gate.slope);
    }
  });
}

void multiply(const At& at, const float* x, float* y) {
  if (per_row(at.use)) return multiply_places(at, at.kept, x, y);
  const std::size_t inner = at.use.site.inner;
  for_rows(at, [&](std::size_t i, std::size_t c) {
    for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) y[k] = x[k] * at.kept[c];
  });
}

double forward(const At& at, const float* x, float* y) {
  draw(at);
  multiply(at, x, y);
  return 0;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const float* slope = at.kept + drawn(at);
  const bool rows = per_row(at.use);
  sum_columns(
      at, [&](std::size_t i) { return paired(at, i, dy, x) * (rows ? slope[i] : 1.0f); },
      [&](std::size_t c, double sum) {
        at.d_own[0][c] += static_cast<float>(rows ? sum : sum * slope[c]);
      });
  if (dx) multiply(at, dy, dx);
}

void centre(const At& at, float* x) {
  const std::size_t inner = at.use.site.inner;
  for_places(at, [&](std::size_t i) {
    const auto z = static_cast<float>(still_gate(at.own[0][i % gates(at)]));
    for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) x[k] *= z;
  });
}

/// Which gate a weight has: its input's, or its output's.
std::size_t gate_of_weight(const NoiseUse& use, std::size_t e) {
  if (use.where == Where::before_bias) return e / (use.weights / use.outputs);
  return e % use.in[0];
}

/// |w_g|^2 of every group.
const std::vector<double>& squares(const At& at) {
  std::vector<double>& out = room<struct Squares>(gates(at));
  for (std::size_t e = 0; e < at.use.weights; ++e) {
    out[gate_of_weight(at.use, e)] += double(at.w[e]) * at.w[e];
  }
  return out;
}

double size(const At& at) {
  return static_cast<double>(at.use.weights) / static_cast<double>(gates(at));
}

double penalty(const At& at) {
  const std::vector<double>& w2 = squares(at);
  double sum = 0;
  for (std::size_t g = 0; g < gates(at); ++g) {
    sum += open_probability(at.own[0][g]) *
           (at.value(kLambda) * size(at) + at.value(kDecay) / 2 * w2[g]);
  }
  return sum;
}

void terms_back(const At& at, double weight) {
  const std::vector<double>& w2 = squares(at);
  const double decay = at.value(kDecay);
  for (std::size_t g = 0; g < gates(at); ++g) {
    const double open = open_probability(at.own[0][g]);
    at.d_own[0][g] += static_cast<float>(weight * open * (1 - open) *
                                         (at.value(kLambda) * size(at) + decay / 2 * w2[g]));
  }
  if (decay == 0) return;
  for (std::size_t e = 0; e < at.use.weights; ++e) {
    const double open = open_probability(at.own[0][gate_of_weight(at.use, e)]);
    at.dw[e] += static_cast<float>(weight * open * decay * at.w[e]);
  }
}

void settle(const At& at) {
  const auto lo = static_cast<float>(std::log(kLeast)), hi = static_cast<float>(std::log(kMost));
  for (std::size_t g = 0; g < gates(at); ++g) at.own[0][g] = std::clamp(at.own[0][g], lo, hi);
}

void stand_in(const At& at, float* out) {
  for (std::size_t e = 0; e < at.use.weights; ++e) {
    out[e] = still_gate(at.own[0][gate_of_weight(at.use, e)]) == 0 ? 0 : at.w[e];
  }
}

std::vector<NoiseReading> readings(const At& at) {
  double open = 0, on = 0;
  for (std::size_t g = 0; g < gates(at); ++g) {
    open += open_probability(at.own[0][g]);
    on += still_gate(at.own[0][g]) > 0;
  }
  const auto all = static_cast<double>(gates(at));
  return {{"groups", all}, {"on", on}, {"expected_share", open / all}};
}

}  // namespace

NoiseKind l0_noise() {
  NoiseKind kind{.name = "l0",
                 .summary = "groups of weights times hard-concrete gates, their number penalised",
                 .source = "Louizos, Welling & Kingma (2018)",
                 .learns = "a gate per input or channel"};
  kind.parameters = {
      {"p", 0.5, 0, 1, true, true, "initial drop rate"},
      {"lambda", 0.1, 0, 1e6, false, false, "nats per weight that is expected to stay"},
      {"decay", 0, 0, 1e6, false, false, "of the squares of weights that are expected to stay"},
      choice("gate", "batch|row", "one draw per step, or per row")};
  kind.scheduled = {"lambda", "decay"};
  kind.placed = [](const Noise&, const Layer& layer, bool) {
    return layer_kind(layer.type).windows ? Where::before_bias : Where::input;
  };
  kind.tensors = [](const Noise& noise, const Layer& layer) -> std::vector<LayerTensor> {
    const double p = noise.values[kP];
    return {{.name = "log_alpha",
             .shape = {layer_kind(layer.type).windows ? layer.out : layer.in},
             .initial = std::log1p(-p) - std::log(p),
             .spread = 0.01}};
  };
  kind.compile = [](NoiseUse& use, const Layer&) {
    if (use.where == Where::input) per_input(use);
    use.draws = uniform_draws();
  };
  kind.kept = [](const NoiseUse& use, std::size_t rows, bool) {
    return 2 * (per_row(use) ? rows : 1) * use.site.columns;
  };
  kind.forward = forward;
  kind.backward = backward;
  kind.centre = centre;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.settle = settle;
  kind.stand_in = stand_in;
  kind.prunes = [](const Noise&) { return true; };
  kind.readings = readings;
  kind.signal = [](const Noise& noise, const Layer&) {
    return signal_like("bernoulli", noise.values[kP], "l0");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
