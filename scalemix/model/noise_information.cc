// Information dropout (Achille & Soatto 2018): log-normal noise whose size is a function of the data.
//
//   alpha(x) = 0.001 + most sigmoid(A x + c),   y = x exp(alpha e)
//   prior=log_uniform   penalty = -beta sum over rows and units of log(alpha / (most + 0.001))
//   prior=log_normal    beta sum of [ (alpha^2 + (log x - m)^2) / s^2 - 1 + 2 log(s / alpha) ] / 2, m and
//                       log s learned: for activations above 0, such as a softplus; x is at least 1e-3
//
// Here alpha is a function of the activations themselves, unit by unit of all units of the layer (of an
// image: channel by channel, at each place); in the released network it is one of what the layer before
// took. A deterministic pass has e = 0, the median: where x feeds a batch normalisation, the paper makes its
// statistics again without noise.

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/columns.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/sized_noise.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kMost = 0, kBeta = 1, kPrior = 2;                        // parameters
constexpr std::size_t kWeights = 0, kBias = 1, kPriorMean = 2, kPriorLog = 3;  // tensors
constexpr float kLeast = 1e-3f;

using kernel::Trans;

std::size_t channels(const NoiseUse& use) { return use.in[0]; }
std::size_t spots(const NoiseUse& use) { return elements(use.in) / use.in[0]; }
bool log_normal(const At& at) { return at.use.values[kPrior] != 0; }

/// logits (rows, C, spots) = A x + c.
void to_logits(const At& at, const float* x, float* logits) {
  const std::size_t n = channels(at.use), stride = spots(at.use);
  if (stride == 1) {
    kernel::gemm(Trans::no, Trans::yes, at.rows, n, n, x, n, at.own[kWeights], n, 0, logits, n);
  } else {
    for (std::size_t row = 0; row < at.rows; ++row) {
      kernel::gemm(Trans::no, Trans::no, n, stride, n, at.own[kWeights], n, x + row * n * stride,
                   stride, 0, logits + row * n * stride, stride);
    }
  }
  kernel::add_to_channels(at.rows, n, stride, logits, at.own[kBias], logits);
}

/// From dlogits to dA, dc and, added, dx, which may be null.
void logits_back(const At& at, const float* x, const float* dlogits, float* dx) {
  const std::size_t n = channels(at.use), stride = spots(at.use);
  if (stride == 1) {
    kernel::gemm(Trans::yes, Trans::no, n, n, at.rows, dlogits, n, x, n, 1, at.d_own[kWeights], n);
    if (dx) {
      kernel::gemm(Trans::no, Trans::no, at.rows, n, n, dlogits, n, at.own[kWeights], n, 1, dx, n);
    }
  } else {
    for (std::size_t row = 0; row < at.rows; ++row) {
      const std::size_t first = row * n * stride;
      kernel::gemm(Trans::no, Trans::yes, n, n, stride, dlogits + first, stride, x + first, stride,
                   1, at.d_own[kWeights], n);
      if (!dx) continue;
      kernel::gemm(Trans::yes, Trans::no, n, stride, n, at.own[kWeights], n, dlogits + first,
                   stride, 1, dx + first, stride);
    }
  }
  std::vector<float>& sums = room<struct Sums, float>(n);
  kernel::channel_sums(at.rows, n, stride, dlogits, sums.data());
  for (std::size_t c = 0; c < n; ++c) at.d_own[kBias][c] += sums[c];
}

kernel::SizedNoise size_of(const At& at) {
  return {kLeast, static_cast<float>(at.use.values[kMost])};
}

/// The divergence from the log-normal prior less what sized_noise() counts, -log alpha - log of the
/// largest alpha, at one number.
struct LogNormal {
  double mean, s2;
  explicit LogNormal(const At& at)
      : mean(at.own[kPriorMean][0]), s2(std::exp(2.0 * at.own[kPriorLog][0])) {}
  double off(float x) const { return std::log(std::max(x, kLeast)) - mean; }
};

/// Kept: e, the shares, and room for the gradient of the logits, each as large as x.
double forward(const At& at, const float* x, float* y) {
  const std::size_t all = at.rows * elements(at.use.in);
  draw_places(at, at.use.draws.raw, at.kept);
  float* share = at.kept + all;
  to_logits(at, x, share);
  if (!log_normal(at)) {
    return at.value(kBeta) * kernel::sized_noise(size_of(at), all, x, at.kept, share, y);
  }
  const LogNormal prior(at);
  const double squares = kernel::sum_tiles(all, [&](std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) sum += prior.off(x[i]) * prior.off(x[i]);
    return sum;
  });
  const kernel::SizedNoise size = size_of(at);
  double cost = kernel::sized_noise(size, all, x, at.kept, share, y);
  const double count = static_cast<double>(all);
  cost += squares / prior.s2 / 2 +
          count * ((std::log(prior.s2) - 1) / 2 - std::log(double(size.least) + size.most));
  cost += kernel::sum_tiles(all, [&](std::size_t first, std::size_t n) {
    double sum = 0;
    for (std::size_t i = first; i < first + n; ++i) {
      const double alpha = size.least + double(size.most) * share[i];
      sum += alpha * alpha / prior.s2 / 2;
    }
    return sum;
  });
  return at.value(kBeta) * cost;
}

/// What the log-normal prior adds to the gradients; dx may be null.
void prior_back(const At& at, const float* x, double beta, float* dlogits, float* dx) {
  const std::size_t all = at.rows * elements(at.use.in);
  const kernel::SizedNoise size = size_of(at);
  const float* share = at.kept + all;
  const LogNormal prior(at);
  double by_mean = 0, by_log = 0;
  for (std::size_t i = 0; i < all; ++i) {
    const double s = share[i], alpha = size.least + size.most * s, off = prior.off(x[i]);
    dlogits[i] += static_cast<float>(beta * alpha / prior.s2 * size.most * s * (1 - s));
    if (dx && x[i] > kLeast) dx[i] += static_cast<float>(beta * off / prior.s2 / x[i]);
    by_mean -= beta * off / prior.s2;
    by_log += beta * (1 - (alpha * alpha + off * off) / prior.s2);
  }
  at.d_own[kPriorMean][0] += static_cast<float>(by_mean);
  at.d_own[kPriorLog][0] += static_cast<float>(by_log);
}

void backward(const At& at, const float* x, const float* dy, float* dx, double weight) {
  const std::size_t all = at.rows * elements(at.use.in);
  const double beta = weight * at.value(kBeta);
  float* dlogits = at.kept + 2 * all;
  kernel::sized_noise_backward(size_of(at), all, x, at.kept, at.kept + all, dy,
                               static_cast<float>(beta), dlogits, dx);
  if (log_normal(at)) prior_back(at, x, beta, dlogits, dx);
  logits_back(at, x, dlogits, dx);
}

std::vector<LayerTensor> tensors(const Noise& noise, const Layer& layer) {
  const std::size_t n = layer.width;
  std::vector<LayerTensor> out{
      {.name = "alpha_weight", .shape = {n, n}, .spread = 1 / std::sqrt(double(n))},
      {.name = "alpha_bias", .shape = {n}}};
  if (noise.values[kPrior] != 0) {
    out.push_back({.name = "prior_mean", .shape = {1}});
    out.push_back({.name = "prior_log_sd", .shape = {1}});
  }
  return out;
}

}  // namespace

NoiseKind information_noise() {
  NoiseKind kind{.name = "information",
                 .summary = "log-normal noise whose size is learned as a function of the data",
                 .source = "Achille & Soatto (2018)",
                 .learns = "its size, as a function of the data"};
  kind.parameters = {
      {"most", 0.7, 0, 10, true, false, "largest alpha, the standard deviation of log noise"},
      {"beta", 1, 0, 1e6, false, false, "times the divergence"},
      choice("prior", "log_uniform|log_normal", "of the activations under noise")};
  kind.scheduled = {"beta"};
  kind.own_layer = true;
  kind.channels = true;
  kind.tensors = tensors;
  kind.compile = [](NoiseUse& use, const Layer&) {
    use.draws = normal_draws();
    use.site.columns = elements(use.in);
    use.site.inner = 1;
    use.site.width = 0;
  };
  kind.kept = [](const NoiseUse& use, std::size_t rows, bool) {
    return 3 * rows * elements(use.in);
  };
  kind.data_penalty = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.signal = [](const Noise&, const Layer&) { return NoiseSignal{.word = "information"}; };
  return kind;
}

}  // namespace scalemix::inline v0::model
