// Information dropout (Achille & Soatto 2018): log-normal noise whose size is a function of the data.
//
//   alpha(x) = 0.001 + most sigmoid(A x + c),   y = x exp(alpha e)
//   prior=log_uniform   penalty = -beta sum over rows and units of log(alpha / (most + 0.001))
//   prior=log_normal    beta sum of [ (alpha^2 + (log x - m)^2) / s^2 - 1 + 2 log(s / alpha) ] / 2, m and
//                       log s learned: for activations above 0, such as a softplus; x is at least 1e-3
//
// Here alpha is a function of the activations themselves, unit by unit of all units of the layer (of an
// image: channel by channel, at each place); in the released network it is one of what the layer before
// took. A deterministic pass has e = 0, the
// median: where x feeds a batch normalisation, the paper makes its statistics again without noise.

#include <algorithm>
#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/noise_places.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kMost = 0, kBeta = 1, kPrior = 2;                        // parameters
constexpr std::size_t kWeights = 0, kBias = 1, kPriorMean = 2, kPriorLog = 3;  // tensors
constexpr double kLeast = 1e-3;

std::size_t channels(const NoiseUse& use) { return use.in[0]; }
std::size_t spots(const NoiseUse& use) { return elements(use.in) / use.in[0]; }
bool log_normal(const At& at) { return at.use.values[kPrior] != 0; }

/// sigmoid(A x + c) of one place of one row, (C).
void shares(const At& at, const float* x, std::size_t spot, double* out) {
  const std::size_t n = channels(at.use), stride = spots(at.use);
  for (std::size_t c = 0; c < n; ++c) {
    const float* a = at.own[kWeights] + c * n;
    double sum = at.own[kBias][c];
    for (std::size_t k = 0; k < n; ++k) sum += double(a[k]) * x[k * stride + spot];
    out[c] = logistic(sum);
  }
}

/// Kept: e, then the shares, both as large as x.
double forward(const At& at, const float* x, float* y) {
  const std::size_t width = elements(at.use.in), n = channels(at.use), stride = spots(at.use);
  const double most = at.use.values[kMost];
  draw_places(at, at.use.draws.raw, at.kept);
  float* kept_shares = at.kept + at.rows * width;
  std::vector<double>& costs = room<struct Costs>(at.rows);
  parallel_tiles(at.rows, [&](std::size_t row) {
    std::vector<double>& share = room<struct Shares>(n);
    double cost = 0;
    for (std::size_t spot = 0; spot < stride; ++spot) {
      shares(at, x + row * width, spot, share.data());
      for (std::size_t c = 0; c < n; ++c) {
        const std::size_t i = row * width + c * stride + spot;
        const double alpha = kLeast + most * share[c];
        kept_shares[i] = static_cast<float>(share[c]);
        y[i] = static_cast<float>(x[i] * std::exp(alpha * at.kept[i]));
        if (!log_normal(at)) {
          cost -= std::log(alpha / (most + kLeast));
          continue;
        }
        const double s2 = std::exp(2.0 * at.own[kPriorLog][0]),
                     off = std::log(std::max(double(x[i]), kLeast)) - at.own[kPriorMean][0];
        cost += ((alpha * alpha + off * off) / s2 - 1 + std::log(s2) - 2 * std::log(alpha)) / 2;
      }
    }
    costs[row] = cost;
  });
  double sum = 0;
  for (const double cost : costs) sum += cost;
  return at.value(kBeta) * sum;
}

void backward(const At& at, const float* x, const float* dy, float* dx, double weight) {
  const std::size_t width = elements(at.use.in), n = channels(at.use), stride = spots(at.use);
  const double most = at.use.values[kMost], beta = weight * at.value(kBeta);
  const float* kept_shares = at.kept + at.rows * width;
  std::vector<double>&da = room<struct Weights>(n * n), &dc = room<struct Biases>(n),
  &by_logit = room<struct Logits>(n);
  double by_mean = 0, by_log = 0;
  for (std::size_t row = 0; row < at.rows; ++row) {
    for (std::size_t spot = 0; spot < stride; ++spot) {
      for (std::size_t c = 0; c < n; ++c) {
        const std::size_t i = row * width + c * stride + spot;
        const double share = kept_shares[i], alpha = kLeast + most * share,
                     z = std::exp(alpha * at.kept[i]);
        double by_alpha = double(dy[i]) * x[i] * z * at.kept[i], by_x = dy[i] * z;
        if (log_normal(at)) {
          const double s2 = std::exp(2.0 * at.own[kPriorLog][0]),
                       value = std::max(double(x[i]), kLeast),
                       off = std::log(value) - at.own[kPriorMean][0];
          by_alpha += beta * (alpha / s2 - 1 / alpha);
          if (x[i] > kLeast) by_x += beta * off / s2 / value;
          by_mean -= beta * off / s2;
          by_log += beta * (1 - (alpha * alpha + off * off) / s2);
        } else {
          by_alpha -= beta / alpha;
        }
        by_logit[c] = by_alpha * most * share * (1 - share);
        dc[c] += by_logit[c];
        if (dx) dx[i] = static_cast<float>(by_x);
      }
      for (std::size_t c = 0; c < n; ++c) {
        const float* a = at.own[kWeights] + c * n;
        for (std::size_t k = 0; k < n; ++k) {
          const std::size_t i = row * width + k * stride + spot;
          da[c * n + k] += by_logit[c] * x[i];
          if (dx) dx[i] += static_cast<float>(by_logit[c] * a[k]);
        }
      }
    }
  }
  for (std::size_t i = 0; i < da.size(); ++i) at.d_own[kWeights][i] += static_cast<float>(da[i]);
  for (std::size_t c = 0; c < n; ++c) at.d_own[kBias][c] += static_cast<float>(dc[c]);
  if (!log_normal(at)) return;
  at.d_own[kPriorMean][0] += static_cast<float>(by_mean);
  at.d_own[kPriorLog][0] += static_cast<float>(by_log);
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
    return 2 * rows * elements(use.in);
  };
  kind.data_penalty = true;
  kind.forward = forward;
  kind.backward = backward;
  kind.signal = [](const Noise&, const Layer&) { return NoiseSignal{.word = "information"}; };
  return kind;
}

}  // namespace scalemix::inline v0::model
