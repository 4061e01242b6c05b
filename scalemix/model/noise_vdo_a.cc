// Variational dropout A (Kingma, Salimans & Welling 2015): units times noise N(1, alpha) whose variance
// is learned. All weights that leave a unit move together.
//
//   y = x (1 + sqrt(alpha) e),   alpha = sigmoid(a) in (0, 1), so that p = alpha / (1 + alpha) < 1/2
//   dalpha = sum over rows of dy x e / (2 sqrt(alpha))
//   penalty = factor sum over units of KL(alpha)            (prior/log_uniform_kl.h)
//
// One alpha per unit, or one per layer, whose KL then counts once for each unit. The paper does not say
// how its alphas are shared. p = 1/2 would be alpha = 1, at a = infinity: a starts at 4 at most, where
// p is 0.4955. vdo_a2 is vdo_a with a third of the KL.

#include <algorithm>
#include <cmath>

#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"
#include "scalemix/prior/log_uniform_kl.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kP = 0, kShare = 1, kKl = 2, kFactor = 3;  // parameters
constexpr double kMostStart = 4, kMost = 12;                     // |a|

bool per_unit(const NoiseUse& use) { return use.values[kShare] == 0; }
prior::LogUniformKl form(const At& at) {
  return static_cast<prior::LogUniformKl>(at.use.values[kKl]);
}
double logit(const At& at, std::size_t column) { return at.own[0][per_unit(at.use) ? column : 0]; }

/// Kept: the multipliers (places), then sqrt(alpha) of each column. e is (m - 1) / sqrt(alpha).
float* spreads(const At& at) { return at.kept + places(at); }

double forward(const At& at, const float* x, float* y) {
  float* spread = spreads(at);
  for (std::size_t c = 0; c < at.use.site.columns; ++c) {
    spread[c] = static_cast<float>(std::sqrt(logistic(logit(at, c))));
  }
  draw_places(at, at.use.draws.raw, at.kept);
  for_rows(at, [&](std::size_t i, std::size_t c) { at.kept[i] = 1 + spread[c] * at.kept[i]; });
  multiply_places(at, at.kept, x, y);
  return 0;
}

/// d by a = d by alpha times alpha (1 - alpha); e = (m - 1) / sqrt(alpha).
void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const float* spread = spreads(at);
  const std::size_t columns = at.use.site.columns;
  std::vector<double>& slope = room<struct Slopes>(columns);
  sum_columns(
      at, [&](std::size_t i) { return paired(at, i, dy, x) * (at.kept[i] - 1.0); },
      [&](std::size_t c, double sum) { slope[c] = sum * (1 - double(spread[c]) * spread[c]) / 2; });
  for (std::size_t c = 0; c < columns; ++c) {
    at.d_own[0][per_unit(at.use) ? c : 0] += static_cast<float>(slope[c]);
  }
  if (dx) multiply_places(at, at.kept, dy, dx);
}

/// Calls f(i, units that share alpha i).
template <class F>
void for_alphas(const At& at, const F& f) {
  const auto columns = static_cast<double>(at.use.site.columns);
  if (!per_unit(at.use)) return f(0, columns);
  for (std::size_t c = 0; c < at.use.site.columns; ++c) f(c, 1.0);
}

double log_alpha(double a) { return -std::log1p(std::exp(-a)); }

double penalty(const At& at) {
  double sum = 0;
  for_alphas(at, [&](std::size_t i, double units) {
    sum += units * prior::quick_log_uniform_kl(form(at), log_alpha(at.own[0][i]));
  });
  return at.value(kFactor) * sum;
}

void terms_back(const At& at, double weight) {
  const double factor = weight * at.value(kFactor);
  for_alphas(at, [&](std::size_t i, double units) {
    const double a = at.own[0][i], by_a = 1 - logistic(a);  // d log alpha / da
    at.d_own[0][i] += static_cast<float>(
        factor * units * prior::quick_log_uniform_kl_slope(form(at), log_alpha(a)) * by_a);
  });
}

void settle(const At& at) {
  for_alphas(at, [&](std::size_t i, double) {
    at.own[0][i] = std::clamp(at.own[0][i], -static_cast<float>(kMost), static_cast<float>(kMost));
  });
}

std::vector<NoiseReading> readings(const At& at) {
  double sum = 0, most = 0, count = 0;
  for_alphas(at, [&](std::size_t i, double) {
    const double alpha = logistic(at.own[0][i]);
    sum += alpha, most = std::fmax(most, alpha), ++count;
  });
  return {{"mean_alpha", sum / count}, {"largest_alpha", most}};
}

}  // namespace

NoiseKind vdo_a_noise() {
  NoiseKind kind{.name = "vdo_a",
                 .summary = "units times N(1, alpha), alpha learned: variational dropout A",
                 .source = "Kingma, Salimans & Welling (2015)",
                 .learns = "a variance per unit or layer"};
  kind.parameters = {{"p", 0.5, 0, 0.5, true, false, "initial drop rate, alpha = p / (1 - p)"},
                     choice("share", "unit|layer", "what has an alpha of its own"),
                     choice("kl", prior::kLogUniformKls, "the divergence, or what stands for it"),
                     {"factor", 1, 0, 1e6, false, false, "times the divergence"}};
  kind.scheduled = {"factor"};
  kind.own_layer = true;
  kind.tensors = [](const Noise& noise, const Layer& layer) -> std::vector<LayerTensor> {
    const double p = noise.values[kP], alpha = p / (1 - p);
    const double a = alpha < 1 ? std::log(alpha) - std::log1p(-alpha) : kMostStart;
    const std::size_t columns = layer.columns.empty() ? layer.width : layer.columns.size();
    return {{.name = "logit_alpha",
             .shape = {noise.values[kShare] == 0 ? columns : 1},
             .initial = std::clamp(a, -kMost, kMostStart)}};
  };
  kind.compile = [](NoiseUse& use, const Layer&) { use.draws = normal_draws(); };
  kind.kept = [](const NoiseUse& use, std::size_t rows, bool) {
    return (rows + 1) * use.site.columns;
  };
  kind.forward = forward;
  kind.backward = backward;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.settle = settle;
  kind.readings = readings;
  kind.signal = [](const Noise& noise, const Layer&) {
    const double p = noise.values[kP];
    return signal_like("gaussian", p / (1 - p), "vdo_a");
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
