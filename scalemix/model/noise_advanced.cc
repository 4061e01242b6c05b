// Advanced dropout (Xie et al. 2022), as its authors released it: masks sigmoid(mu + sigma e), where mu and
// sigma are made from the layer's input, one pair per layer and batch. r = max(1, K / 16) hidden numbers:
//
//   h_b = W_h x_b + b_h,   mu = mean_b(w_mu . h_b + b_mu),   sigma = mean_b softplus(w_s . h_b + b_s)
//   m = sigmoid(mu + sigma e),   y = x m / c,   c = sigmoid(mu / sqrt(1 + 3.14 sigma^2 / 8))
//
// c is not differentiated; x is, in mu and sigma too. b_s starts at 1.2, where sigma = 1.463; weights start
// uniform on (0, 0.01). There is no penalty in the program. kl=on adds one of ours, KL(N(mu, sigma^2) ||
// N(0, 1.463^2)) for each unit and row. A deterministic pass is x; draws of a prediction, which know nothing
// of other rows, take mu and sigma from running means of the training (0.99 of the last, ours). c is E m to
// 1 % for mu >= 0 and worse below. `rate` multiplies the learning rate of all of them (released: 1e-3).

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kKl = 0, kRate = 1;  // parameters
constexpr std::size_t kHidden = 0, kHiddenBias = 1, kToMu = 2, kMuBias = 3, kToSigma = 4,
                      kSigmaBias = 5, kRunningMu = 6, kRunningSigma = 7;  // tensors
constexpr double kStart = 1.2, kStartSigma = 1.4632824;                   // softplus(1.2)
constexpr double kKeep = 0.99, kReleasedPi = 3.14;
constexpr std::size_t kReduction = 16;

double softplus(double s) { return s > 30 ? s : std::log1p(std::exp(s)); }

std::size_t width(const At& at) { return elements(at.use.in); }
std::size_t hidden(std::size_t width) { return std::max<std::size_t>(1, width / kReduction); }

struct Seed {
  double mu = 0, sigma = 0;
  double divisor() const { return logistic(mu / std::sqrt(1 + kReleasedPi / 8 * sigma * sigma)); }
};

/// Kept: m and e (rows, K), then of each row h (r) and s, then mu and sigma.
struct Kept {
  float *mask, *e, *hidden, *s, *seed;
  explicit Kept(const At& at)
      : mask(at.kept),
        e(mask + at.rows * width(at)),
        hidden(e + at.rows * width(at)),
        s(hidden + at.rows * model::hidden(width(at))),
        seed(s + at.rows) {}
};

/// a . b in eight sums side by side.
float dot(const float* a, const float* b, std::size_t n) {
  float sums[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t k = 0; k < 8; ++k) sums[k] += a[i + k] * b[i + k];
  }
  float rest = 0;
  for (; i < n; ++i) rest += a[i] * b[i];
  return rest + ((sums[0] + sums[4]) + (sums[1] + sums[5])) +
         ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

Seed seed_of(const At& at, const float* x, const Kept& kept) {
  const std::size_t n = width(at), r = hidden(n);
  Seed out;
  for (std::size_t b = 0; b < at.rows; ++b) {
    double mu = at.own[kMuBias][0], s = at.own[kSigmaBias][0];
    for (std::size_t j = 0; j < r; ++j) {
      const float* w = at.own[kHidden] + j * n;
      const double h = at.own[kHiddenBias][0] + dot(w, x + b * n, n);
      kept.hidden[b * r + j] = static_cast<float>(h);
      mu += at.own[kToMu][j] * h;
      s += at.own[kToSigma][j] * h;
    }
    kept.s[b] = static_cast<float>(s);
    out.mu += mu / double(at.rows);
    out.sigma += softplus(s) / double(at.rows);
  }
  return out;
}

double divergence(const Seed& seed) {
  const double s2 = kStartSigma * kStartSigma;
  return std::log(kStartSigma / seed.sigma) +
         (seed.sigma * seed.sigma + seed.mu * seed.mu) / (2 * s2) - 0.5;
}

double forward(const At& at, const float* x, float* y) {
  const Kept kept(at);
  const bool stored = !at.train;
  Seed seed{stored ? at.own[kRunningMu][0] : 0, stored ? at.own[kRunningSigma][0] : 0};
  if (at.train) {
    seed = seed_of(at, x, kept);
    if (at.writes_state) {
      float &mu = at.own[kRunningMu][0], &sigma = at.own[kRunningSigma][0];
      const double keep = at.stream.draw == 0 ? 0 : kKeep;
      mu = static_cast<float>(keep * mu + (1 - keep) * seed.mu);
      sigma = static_cast<float>(keep * sigma + (1 - keep) * seed.sigma);
    }
  }
  kept.seed[0] = static_cast<float>(seed.mu), kept.seed[1] = static_cast<float>(seed.sigma);
  const double per = 1 / seed.divisor();
  const auto mu = static_cast<float>(seed.mu), sigma = static_cast<float>(seed.sigma),
             scale = static_cast<float>(per);
  draw_places(at, at.use.draws.raw, kept.e);
  for_places(at, [&](std::size_t i) { kept.mask[i] = mu + sigma * kept.e[i]; });
  kernel::activate(kernel::Activation::sigmoid, 0, places(at), kept.mask);
  for_places(at, [&](std::size_t i) { y[i] = x[i] * kept.mask[i] * scale; });
  if (at.use.values[kKl] == 0) return 0;
  return double(places(at)) * divergence(seed);
}

void backward(const At& at, const float* x, const float* dy, float* dx, double weight) {
  const Kept kept(at);
  const std::size_t n = width(at), r = hidden(n);
  const Seed seed{kept.seed[0], kept.seed[1]};
  const double per = 1 / seed.divisor();
  // da = dy x m (1 - m) / c: its sum, and that of da e, in four sums side by side.
  double by_mu = 0, by_sigma = 0;
  constexpr std::size_t kLanes = 4;
  double mus[kLanes] = {}, sigmas[kLanes] = {};
  const std::size_t all_places = places(at);
  const auto scale = static_cast<float>(per);
  for (std::size_t i = 0; i < all_places; i += kLanes) {
    const std::size_t lanes = std::min(kLanes, all_places - i);
    for (std::size_t k = 0; k < lanes; ++k) {
      const float m = kept.mask[i + k], da = dy[i + k] * x[i + k] * m * (1 - m) * scale;
      mus[k] += da;
      sigmas[k] += static_cast<double>(da) * kept.e[i + k];
    }
  }
  for (std::size_t k = 0; k < kLanes; ++k) by_mu += mus[k], by_sigma += sigmas[k];
  if (at.use.values[kKl] != 0) {
    const double all = weight * double(places(at)), s2 = kStartSigma * kStartSigma;
    by_mu += all * seed.mu / s2;
    by_sigma += all * (seed.sigma / s2 - 1 / seed.sigma);
  }
  if (dx)
    for_places(at, [&](std::size_t i) { dx[i] = static_cast<float>(dy[i] * kept.mask[i] * per); });
  const double share = 1 / double(at.rows);
  std::vector<double>&dw = room<struct Hidden>(r * n), &to_mu = room<struct Mus>(r),
  &to_sigma = room<struct Sigmas>(r);
  double by_bias = 0, by_s_bias = 0;
  for (std::size_t b = 0; b < at.rows; ++b) {
    const double ds = by_sigma * logistic(kept.s[b]) * share;
    by_s_bias += ds;
    for (std::size_t j = 0; j < r; ++j) {
      const double h = kept.hidden[b * r + j];
      to_mu[j] += by_mu * share * h;
      to_sigma[j] += ds * h;
      const double dh = by_mu * share * at.own[kToMu][j] + ds * at.own[kToSigma][j];
      by_bias += dh;
      const float* w = at.own[kHidden] + j * n;
      for (std::size_t k = 0; k < n; ++k) {
        dw[j * n + k] += dh * x[b * n + k];
        if (dx) dx[b * n + k] += static_cast<float>(dh * w[k]);
      }
    }
  }
  const auto add = [&](std::size_t tensor, std::size_t i, double by) {
    at.d_own[tensor][i] += static_cast<float>(by);
  };
  for (std::size_t i = 0; i < dw.size(); ++i) add(kHidden, i, dw[i]);
  for (std::size_t j = 0; j < r; ++j) add(kToMu, j, to_mu[j]), add(kToSigma, j, to_sigma[j]);
  add(kHiddenBias, 0, by_bias);
  add(kMuBias, 0, by_mu);
  add(kSigmaBias, 0, by_s_bias);
}

std::vector<LayerTensor> tensors(const Noise& noise, const Layer& layer) {
  const std::size_t n = layer.width, r = hidden(n);
  const double rate = noise.values[kRate];
  const auto drawn = [&](const char* name, Shape shape) {
    return LayerTensor{.name = name,
                       .shape = std::move(shape),
                       .spread = 0.01,
                       .uniform = true,
                       .decays = true,
                       .rate = rate};
  };
  const auto one = [&](const char* name, double initial) {
    return LayerTensor{
        .name = name, .shape = {1}, .initial = initial, .decays = true, .rate = rate};
  };
  LayerTensor hidden_bias = drawn("hidden_bias", {1});
  std::vector<LayerTensor> out{drawn("hidden", {r, n}),   hidden_bias,
                               drawn("to_mu", {1, r}),    one("mu", 0),
                               drawn("to_sigma", {1, r}), one("s", kStart)};
  out.push_back({.name = "running_mu", .shape = {1}, .trained = false});
  out.push_back({.name = "running_sigma", .shape = {1}, .trained = false, .initial = kStartSigma});
  return out;
}

std::vector<NoiseReading> readings(const At& at) {
  const Seed seed{at.own[kRunningMu][0], at.own[kRunningSigma][0]};
  return {{"mu", seed.mu}, {"sigma", seed.sigma}, {"rate", 1 - seed.divisor()}};
}

}  // namespace

NoiseKind advanced_noise() {
  NoiseKind kind{.name = "advanced",
                 .summary = "logistic-normal masks whose mean and width come from the batch",
                 .source = "Xie, Ma, Lei, Zhang, Xue, Tan & Guo (2022)",
                 .learns = "mean and width per layer"};
  kind.parameters = {choice("kl", "off|on", "a divergence of ours"),
                     {"rate", 1, 0, 1e6, false, false,
                      "factor on the learning rate of the noise's own parameters"}};
  kind.own_layer = true;
  kind.tensors = tensors;
  kind.compile = [](NoiseUse& use, const Layer&) { use.draws = normal_draws(); };
  kind.kept = [](const NoiseUse& use, std::size_t rows, bool) {
    const std::size_t n = elements(use.in);
    return rows * (2 * n + hidden(n) + 1) + 2;
  };
  kind.forward = forward;
  kind.backward = backward;
  kind.readings = readings;
  kind.signal = [](const Noise&, const Layer&) {
    NoiseSignal out{.law = law::AnyLaw::make("logistic_normal", std::vector{0.0, kStartSigma})};
    out.word = "advanced";
    return out;
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
