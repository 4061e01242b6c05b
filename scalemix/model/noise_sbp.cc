// Structured Bayesian pruning (Neklyudov et al. 2017): what a layer's weights make of its input, before
// the bias, times noise per output unit (of a convolution: per channel); with place=input, what it takes,
// times noise per input. Posterior and prior of the noise
// are a normal law and the uniform one of its logarithm, cut to [a, b] = [-20, 0]:
//
//   log t = mu + sigma q(c),  c = Phi(A) + u (Phi(B) - Phi(A)),  A = (a - mu) / sigma,  B = (b - mu) / sigma
//   Z = Phi(B) - Phi(A)
//   KL = log(b - a) - log sigma - log(2 pi e) / 2 - log Z - (A phi(A) - B phi(B)) / (2 Z)
//   SNR = E t / sd t
//
// q the normal quantile, u kept in [1e-5, 1 - 1e-5]. A unit with SNR below 1 is switched off in
// predictions; a deterministic pass has E t. mu and log sigma stay in [-20, 5].

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/kernel/tiles.h"
#include "scalemix/law/standard_normal.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

using law::log_standard_normal_cdf;
using law::standard_normal_cdf;
using law::standard_normal_pdf;

constexpr std::size_t kInit = 0, kThreshold = 1, kPlace = 2;  // parameters
constexpr std::size_t kMu = 0, kLogSigma = 1;                 // tensors
constexpr double kA = -20, kB = 0;                            // of log t
constexpr double kLeast = -20, kMost = 5;                     // mu, log sigma
constexpr double kEdge = 1e-5;                                // u stays as far from 0 and 1

/// From the table that normal draws are made from, to 2e-6, where 23 bits of c are enough.
double normal_quantile(double c) {
  if (c < 1e-3) return law::standard_normal_quantile(c);
  static const law::Sampler table = normal_draws().raw;
  return table(static_cast<std::uint32_t>(c * 0x1p32));
}

/// Of one unit. Where B is far below 0, mu far above b, all is said by the tail there: what lies below A is
/// nothing beside it then.
struct Unit {
  double mu, sigma, a, b, below, mass;  // A, B, Phi(A), Z
  bool far;
  law::NormalTail tail;    // at B, where it is far
  double pa, pb;           // phi(A), phi(B)
  double by_low, by_high;  // phi(A) / Z, phi(B) / Z
  Unit(double mu, double log_sigma)
      : mu(mu),
        sigma(std::exp(log_sigma)),
        a((kA - mu) / sigma),
        b((kB - mu) / sigma),
        below(standard_normal_cdf(a)),
        mass(standard_normal_cdf(b) - below),
        far(b < -8),
        tail(far ? -b : 8),
        pa(standard_normal_pdf(a)),
        pb(standard_normal_pdf(b)),
        by_low(far ? 0 : pa / mass),
        by_high(far ? tail.hazard : pb / mass) {}

  /// log E t^k, E t^k = exp(k mu + k^2 sigma^2 / 2) (Phi(B - k sigma) - Phi(A - k sigma)) / Z.
  double log_moment(double k) const {
    const double shift = k * sigma;
    if (far) return std::log(tail.hazard / law::NormalTail(shift - b).hazard);
    const double upper = log_standard_normal_cdf(b - shift),
                 lower = log_standard_normal_cdf(a - shift);
    return k * mu + shift * shift / 2 + upper + std::log1p(-std::exp(lower - upper)) -
           std::log(mass);
  }
  double mean() const { return std::exp(log_moment(1)); }
  /// E t / sd t.
  double snr() const {
    const double spread = std::expm1(log_moment(2) - 2 * log_moment(1));  // of t / E t, squared
    return spread > 0 ? 1 / std::sqrt(spread) : std::numeric_limits<double>::infinity();
  }

  double kl() const {
    const double width = std::log(kB - kA) - std::log(sigma);
    if (far) return width - 1 + std::log(tail.hazard) + tail.rest / 2;
    return width - std::log(2 * std::numbers::pi * std::numbers::e) / 2 - std::log(mass) -
           (a * by_low - b * by_high) / 2;
  }
  /// Derivatives of the KL by mu and by log sigma: dA = -dmu / sigma - A dlog sigma, B alike.
  std::pair<double, double> kl_slopes() const {
    const double top = a * by_low - b * by_high;
    // d by A: of -log Z, + phi(A) / Z; of the last term, phi(A) (1 - A^2) and Z by A, -phi(A).
    const double by_a = by_low * (1 + a * a - top) / 2,
                 by_b = -by_high * (far ? tail.rest : 1 + b * b - top) / 2;
    return {-(by_a + by_b) / sigma, -1 - a * by_a - b * by_b};
  }

  struct Draw {
    double t, by_mu, by_log_sigma;
  };
  /// t at a uniform draw, and d log t.
  Draw at(double u) const {
    u = std::clamp(u, kEdge, 1 - kEdge);
    if (far) return far_at(u);
    const double c = below + u * mass, q = normal_quantile(c);
    const double slope = sigma / standard_normal_pdf(q);
    // dc: by A, phi(A) (1 - u); by B, phi(B) u.
    const double dc_mu = -(pa * (1 - u) + pb * u) / sigma;
    const double dc_log_sigma = -(a * pa * (1 - u) + b * pb * u);
    return {std::exp(mu + sigma * q), 1 + slope * dc_mu, sigma * q + slope * dc_log_sigma};
  }
  /// log Phi(q) = log u + log Phi(B), by Newton's rule; log t = -e sigma with e = B - q.
  Draw far_at(double u) const {
    const double y = -b;
    double e = -std::log(u) / tail.hazard;
    for (int step = 0; step < 3; ++step) {
      const law::NormalTail at(y + e);
      // log Phi(-y) - log Phi(-y - e)
      const double fallen = e * (y + e / 2) + std::log(at.hazard / tail.hazard);
      e -= (fallen + std::log(u)) / at.hazard;
    }
    const double ratio = tail.hazard / law::NormalTail(y + e).hazard;
    return {std::exp(-sigma * e), 1 - ratio, -sigma * (y + e) + sigma * y * ratio};
  }
};

Unit unit(const At& at, std::size_t c) { return {at.own[kMu][c], at.own[kLogSigma][c]}; }
std::size_t units(const At& at) { return at.use.site.columns; }
bool off(const At& at, std::size_t c) { return unit(at, c).snr() < at.use.values[kThreshold]; }

/// (units) prepared of a prediction: E t, and 0 where the unit is off.
void prepare(const At& at) {
  if (at.train) return;
  for (std::size_t c = 0; c < units(at); ++c) {
    at.prepared[c] = off(at, c) ? 0 : static_cast<float>(unit(at, c).mean());
  }
}

/// Kept: u, then t, then t's slopes by mu and by log sigma, each (places).
double forward(const At& at, const float* x, float* y) {
  const std::size_t columns = units(at), n = places(at);
  thread_local std::vector<Unit> all;  // grown once per thread
  all.clear();
  for (std::size_t c = 0; c < columns; ++c) all.push_back(unit(at, c));
  const Unit* of = all.data();
  draw_places(at, at.use.draws.raw, at.kept);
  float *t = at.kept + n, *by_mu = t + n, *by_log_sigma = by_mu + n;
  for_places(at, [&](std::size_t i) {
    const std::size_t c = i % columns;
    if (!at.train && at.prepared[c] == 0) return void(t[i] = 0);
    const Unit::Draw d = of[c].at(at.kept[i]);
    t[i] = static_cast<float>(d.t);
    by_mu[i] = static_cast<float>(d.t * d.by_mu);
    by_log_sigma[i] = static_cast<float>(d.t * d.by_log_sigma);
  });
  multiply_places(at, t, x, y);
  return 0;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double) {
  const std::size_t n = places(at);
  for (const std::size_t tensor : {kMu, kLogSigma}) {
    const float* slope = at.kept + (2 + tensor) * n;
    sum_columns(
        at, [&](std::size_t i) { return paired(at, i, dy, x) * slope[i]; },
        [&](std::size_t c, double sum) { at.d_own[tensor][c] += static_cast<float>(sum); });
  }
  if (dx) multiply_places(at, at.kept + n, dy, dx);
}

void centre(const At& at, float* x) {
  const std::size_t inner = at.use.site.inner, columns = units(at);
  for_places(at, [&](std::size_t i) {
    for (std::size_t k = i * inner; k < (i + 1) * inner; ++k) x[k] *= at.prepared[i % columns];
  });
}

double penalty(const At& at) {
  double sum = 0;
  for (std::size_t c = 0; c < units(at); ++c) sum += unit(at, c).kl();
  return sum;
}

void terms_back(const At& at, double weight) {
  for (std::size_t c = 0; c < units(at); ++c) {
    const auto [by_mu, by_log_sigma] = unit(at, c).kl_slopes();
    at.d_own[kMu][c] += static_cast<float>(weight * by_mu);
    at.d_own[kLogSigma][c] += static_cast<float>(weight * by_log_sigma);
  }
}

void settle(const At& at) {
  for (const std::size_t tensor : {kMu, kLogSigma}) {
    float* own = at.own[tensor];
    for (std::size_t c = 0; c < units(at); ++c) {
      own[c] = std::clamp(own[c], static_cast<float>(kLeast), static_cast<float>(kMost));
    }
  }
}

/// (O, I, ...): the weights of an output lie together, those of an input in runs of `each`.
void stand_in(const At& at, float* out) {
  const std::size_t row = at.use.weights / at.use.outputs, each = row / units(at);
  const bool input = at.use.where == Where::input;
  std::vector<bool> gone;
  for (std::size_t c = 0; c < units(at); ++c) gone.push_back(off(at, c));
  for (std::size_t e = 0; e < at.use.weights; ++e) {
    out[e] = gone[input ? e % row / each : e / row] ? 0 : at.w[e];
  }
}

std::vector<NoiseReading> readings(const At& at) {
  double on = 0;
  for (std::size_t c = 0; c < units(at); ++c) on += !off(at, c);
  return {{"units", static_cast<double>(units(at))}, {"on", on}};
}

}  // namespace

NoiseKind sbp_noise() {
  NoiseKind kind{.name = "sbp",
                 .summary = "units times truncated log-normal noise; those with SNR below 1 go",
                 .source = "Neklyudov, Molchanov, Ashukha & Vetrov (2017)",
                 .learns = "mean and width per unit",
                 .where = Where::before_bias};
  kind.parameters = {
      {"init", -5, kLeast, kMost, false, false, "initial log sigma"},
      {"threshold", 1, 0, 1e6, false, false, "a unit whose SNR is below it is switched off"},
      choice("place", "output|input", "on what a layer's weights make, or on what it takes")};
  kind.placed = [](const Noise& noise, const Layer&, bool) {
    return noise.values[kPlace] != 0 ? Where::input : Where::before_bias;
  };
  kind.tensors = [](const Noise& noise, const Layer& layer) -> std::vector<LayerTensor> {
    const Shape shape{noise.values[kPlace] != 0 ? layer.in : layer.out};
    return {{.name = "mu", .shape = shape},
            {.name = "log_sigma", .shape = shape, .initial = noise.values[kInit]}};
  };
  kind.compile = [](NoiseUse& use, const Layer&) {
    if (use.where == Where::input) per_input(use);
    use.draws = uniform_draws();
  };
  kind.prepared = [](const NoiseUse& use) { return use.train ? 0 : use.site.columns; };
  kind.prepare = prepare;
  kind.kept = [](const NoiseUse& use, std::size_t rows, bool) {
    return 4 * rows * use.site.columns;
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
  kind.signal = [](const Noise&, const Layer&) { return NoiseSignal{.word = "sbp"}; };
  return kind;
}

}  // namespace scalemix::inline v0::model
