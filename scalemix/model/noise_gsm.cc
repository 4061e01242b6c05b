// Gaussian scale mixtures with learned scales: a Gaussian posterior N(w, sigma2) over every weight
// under the prior N(0, lambda_g^2 sigma0^2), whose scales lambda are shared by groups of weights and
// set in closed form in every step (prior/scales.h). With M_g the sum of w^2 + sigma2 of a group,
//
//   KL = min over lambda of sum_g [ M_g / (2 v_g) + d log v_g / 2 - log p(lambda_g) ]
//        - sum (log sigma2 + 1) / 2,     v_g = lambda_g^2 sigma0^2
//   dKL/dw = w / v_g,   dKL/dlog_sigma2 = (sigma2 / v_g - 1) / 2
//
// since the slope by lambda is 0 there. objective=released is what the paper's program has: no
// log p(lambda), the closed form differentiated, and for row times matrix one pass in which the
// matrix's scale is made from M_g / lambda_g, not M_g / lambda_g^2.
//
// Draws: local reparameterisation, or random signs (Where::moments in noise.h).
//
// Source: Nalisnick, Hernandez-Lobato & Smyth (2019), Dropout as a structured shrinkage prior

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "scalemix/base/known.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/prior/scales.h"

namespace scalemix::inline v0::model {
namespace {

// Parameters, in the order of the table; those of the hyper-priors follow.
constexpr std::size_t kGroup = 0, kHyper = 1, kObjective = 2, kSampler = 3, kSigma0 = 4, kInit = 5,
                      kOff = 6;
constexpr std::size_t kLogSigma2 = 0;  // tensor
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kOffShare = 0.01;  // for readings, where `off` switches nothing off

std::vector<Parameter> parameters() {
  std::vector<Parameter> out{
      choice("group", "row|weight|filter|matrix|both", "weights that share a scale"),
      choice("hyper",
             "inv_gamma|half_cauchy|log_uniform|log_uniform_scale|flat|rayleigh|gaussian|beta|"
             "bernoulli",
             "hyper-prior of the scales; its own keys may follow: inv_gamma:a=3,b=3"),
      choice("objective", "full|released", "with log p(scale), or as the paper's program has it"),
      choice("sampler", "local|flipout|released",
             "local reparameterisation, or signs +1 and -1, or the program's +3 and -1"),
      {"sigma0", 1, 1e-6, 1e6, false, false, "standard deviation of the prior at scale 1"},
      {"init", -8, -20, 2, false, false, "initial log variance of every weight"},
      {"off", 0, 0, 1, false, true,
       "a group is switched off whose root mean E w^2 is below this share of sigma0"}};
  for (const char* key : {"a", "b", "scale", "alpha", "p", "spike"}) {
    for (const prior::HyperPriorRow& row : prior::hyper_priors()) {
      const auto it = std::find_if(row.parameters.begin(), row.parameters.end(),
                                   [&](const Parameter& p) { return p.name == key; });
      if (it == row.parameters.end()) continue;
      out.push_back(*it);
      break;
    }
  }
  return out;
}

/// Values of the kind by name, for the hyper-prior that they choose.
prior::HyperPrior hyper_of(const std::vector<Parameter>& table, const std::vector<double>& values) {
  const std::string name = value_text(table[kHyper], values[kHyper]);
  std::vector<double> own;
  for (const Parameter& p :
       find_row<std::invalid_argument>("hyper-prior", name, prior::hyper_priors()).parameters) {
    for (std::size_t i = kOff + 1; i < table.size(); ++i) {
      if (table[i].name == p.name) own.push_back(values[i]);
    }
  }
  return prior::HyperPrior::make(name, own);
}

prior::Scales scales_of(const std::vector<double>& values, const Layer& layer) {
  static const std::vector<Parameter> table = parameters();
  constexpr prior::Group kGroups[] = {prior::Group::row, prior::Group::weight, prior::Group::filter,
                                      prior::Group::matrix, prior::Group::both};
  return {hyper_of(table, values), kGroups[static_cast<std::size_t>(values[kGroup])],
          prior_weights(layer)};
}

const prior::Scales& scales(const At& at) { return *at.use.scales; }
double sigma0_squared(const At& at) { return at.use.values[kSigma0] * at.use.values[kSigma0]; }
bool released(const At& at) { return at.use.values[kObjective] != 0; }

/// What a step works in: grown once per thread.
struct Work {
  std::vector<double> moments;  // (groups) M / sigma0^2
  prior::Scales::Modes modes;
  std::vector<double> slope;  // (groups) 2 dKL/dM
};

Work& work(const At& at) {
  thread_local Work w;
  w.moments.assign(scales(at).groups(), 0);
  w.modes.scale2.resize(scales(at).groups());
  w.slope.resize(scales(at).groups());
  return w;
}

/// Adds M / sigma0^2 to the groups. False if a weight is not finite: the training has diverged.
bool add_moments(const At& at, const float* sigma2, std::vector<double>& moments) {
  const double per = 1 / sigma0_squared(at);
  const float* w = at.w;
  scales(at).walk(
      0, at.use.weights,
      [&](std::size_t e, std::size_t n, std::size_t g) {
        double sum = 0;
        for (std::size_t i = e; i < e + n; ++i) sum += static_cast<double>(w[i]) * w[i] + sigma2[i];
        moments[g] += sum * per;
      },
      [&](std::size_t e, std::size_t n, std::size_t g) {
        double* to = &moments[g];
        for (std::size_t i = 0; i < n; ++i) {
          to[i] += (static_cast<double>(w[e + i]) * w[e + i] + sigma2[e + i]) * per;
        }
      });
  return std::all_of(moments.begin(), moments.end(), [](double m) { return std::isfinite(m); });
}

/// M-step and slopes; returns the KL but for what depends on sigma2 alone.
double released_step(const At& at, Work& w) {
  const prior::Scales& s = scales(at);
  const auto d = static_cast<double>(s.size()), all = d * static_cast<double>(s.groups());
  const prior::HyperPrior& hyper = s.hyper();
  const bool both = s.group() == prior::Group::both;
  double cost = 0, rows = 0, layer2 = 1, scaled = 0;
  for (std::size_t g = 0; g < s.groups(); ++g) {
    w.modes.scale2[g] = hyper.scale2(d, w.moments[g]);
    scaled += w.moments[g] / std::sqrt(w.modes.scale2[g]);
  }
  if (both) layer2 = hyper.scale2(all, scaled);
  for (std::size_t g = 0; g < s.groups(); ++g) {
    cost += d / 2 * std::log(w.modes.scale2[g] * layer2) +
            w.moments[g] / (2 * w.modes.scale2[g] * layer2);
    rows += w.moments[g] / w.modes.scale2[g];
  }
  // J by the layer's scale, times that scale's slope by what it is made of.
  const double by_layer =
      both ? (all / (2 * layer2) - rows / (2 * layer2 * layer2)) * hyper.slope(all, scaled) : 0;
  for (std::size_t g = 0; g < s.groups(); ++g) {
    const double a = w.modes.scale2[g], m = w.moments[g], rise = hyper.slope(d, m);
    const double by_row = d / (2 * a) - m / (2 * a * a * layer2);
    const double scaled_by_m = 1 / std::sqrt(a) - m * rise / (2 * a * std::sqrt(a));
    w.slope[g] = 2 * (1 / (2 * a * layer2) + by_row * rise + by_layer * scaled_by_m);
    w.modes.scale2[g] *= layer2;
  }
  return cost;
}

/// The scales and slopes of a step.
void step(const At& at, const float* sigma2, Work& w) {
  if (!add_moments(at, sigma2, w.moments)) {
    return void(std::fill(w.slope.begin(), w.slope.end(), kNaN));
  }
  if (released(at)) return void(released_step(at, w));
  scales(at).update(w.moments, w.modes);
  for (std::size_t g = 0; g < w.slope.size(); ++g) w.slope[g] = 1 / w.modes.scale2[g];
}

/// The KL but for what depends on sigma2 alone.
double cost(const At& at, const float* sigma2, Work& w) {
  if (!add_moments(at, sigma2, w.moments)) return kNaN;
  return released(at) ? released_step(at, w) : scales(at).update(w.moments).cost;
}

/// Zeroes the values of weights in groups that are switched off.
void mask(const At& at, const float* sigma2, float* values) {
  const double least = at.use.values[kOff] * at.use.values[kOff];
  if (least == 0) return;
  std::vector<double> moments(scales(at).groups());
  add_moments(at, sigma2, moments);
  const auto d = static_cast<double>(scales(at).size());
  for (std::size_t e = 0; e < at.use.weights; ++e) {
    if (moments[scales(at).group_of(e)] < least * d) values[e] = 0;
  }
}

/// (W) variances, then, in training, (groups) 2 dKL/dM.
void prepare(const At& at) {
  const std::size_t n = at.use.weights;
  kernel::svdo_variance(n, at.own[kLogSigma2], at.prepared);
  if (!at.train) {
    const std::vector<float> sigma2(at.prepared, at.prepared + n);
    return mask(at, sigma2.data(), at.prepared);
  }
  Work& w = work(at);
  step(at, at.prepared, w);
  for (std::size_t g = 0; g < w.slope.size(); ++g) {
    at.prepared[n + g] = static_cast<float>(w.slope[g]);
  }
}

std::vector<float> variances(const At& at) {
  std::vector<float> sigma2(at.use.weights);
  kernel::svdo_variance(sigma2.size(), at.own[kLogSigma2], sigma2.data());
  return sigma2;
}

double penalty(const At& at) {
  const std::size_t n = at.use.weights;
  const double scaled = cost(at, variances(at).data(), work(at));
  const double logs = kernel::sum_tiles(n, [&](std::size_t first, std::size_t count) {
    double sum = 0;
    for (std::size_t i = first; i < first + count; ++i) sum += at.own[kLogSigma2][i];
    return sum;
  });
  const auto all = static_cast<double>(n);
  return scaled + (all * std::log(sigma0_squared(at)) - logs - all) / 2;
}

void terms_back(const At& at, double weight) {
  const prior::Scales& s = scales(at);
  const float *sigma2 = at.prepared, *slope = at.prepared + at.use.weights;
  const auto scale = static_cast<float>(weight / sigma0_squared(at)),
             half = static_cast<float>(weight / 2);
  const float *w = at.w, *dvariance = at.d_prepared;
  float *dw = at.dw, *dlog = at.d_own[kLogSigma2];
  kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
    s.walk(
        first, n,
        [&](std::size_t e, std::size_t count, std::size_t g) {
          const float by_square = scale * slope[g];
          for (std::size_t i = e; i < e + count; ++i) {
            dw[i] += by_square * w[i];
            dlog[i] += (dvariance[i] + by_square / 2) * sigma2[i] - half;
          }
        },
        [&](std::size_t e, std::size_t count, std::size_t g) {
          for (std::size_t k = 0; k < count; ++k) {
            const std::size_t i = e + k;
            const float by_square = scale * slope[g + k];
            dw[i] += by_square * w[i];
            dlog[i] += (dvariance[i] + by_square / 2) * sigma2[i] - half;
          }
        });
  });
}

void stand_in(const At& at, float* out) {
  std::copy_n(at.w, at.use.weights, out);
  mask(at, variances(at).data(), out);
}

/// The scales themselves where they are few, else how many groups are on.
std::vector<NoiseReading> readings(const At& at) {
  Work& w = work(at);
  step(at, variances(at).data(), w);
  const prior::Scales& s = scales(at);
  const double share = at.use.values[kOff] > 0 ? at.use.values[kOff] : kOffShare;
  const double least = share * share * static_cast<double>(s.size());
  std::vector<NoiseReading> out;
  const auto on = static_cast<double>(
      std::count_if(w.moments.begin(), w.moments.end(), [&](double m) { return !(m < least); }));
  const auto [lo, hi] = std::minmax_element(w.modes.scale2.begin(), w.modes.scale2.end());
  if (s.groups() > 1) {
    out.push_back({"groups", static_cast<double>(s.groups())});
    out.push_back({"on", on});
    out.push_back({"least_scale", std::sqrt(*lo)});
  }
  out.push_back({s.groups() > 1 ? "largest_scale" : "scale", std::sqrt(*hi)});
  return out;
}

std::vector<LayerTensor> tensors(const Noise& noise, const Layer& layer) {
  try {
    scales_of(noise.values, layer);
  } catch (const std::domain_error& error) {
    throw std::invalid_argument(error.what());
  }
  return {{.name = "log_sigma2", .shape = weight_shape(layer), .initial = noise.values[kInit]}};
}

}  // namespace

NoiseKind gsm_noise() {
  NoiseKind kind{.name = "gsm",
                 .summary = "Gaussian posterior; groups of weights share scales that are learned",
                 .source = "Nalisnick, Hernandez-Lobato & Smyth (2019)",
                 .learns = "a variance per weight, scales by group",
                 .where = Where::moments};
  kind.parameters = parameters();
  kind.tensors = tensors;
  kind.compile = [](NoiseUse& use, const Layer& layer) {
    use.scales = std::make_shared<const prior::Scales>(scales_of(use.values, layer));
  };
  kind.prepared = [](const NoiseUse& use) { return use.weights + use.scales->groups(); };
  kind.prepare = prepare;
  kind.penalty = penalty;
  kind.terms_back = terms_back;
  kind.stand_in = stand_in;
  kind.prunes = [](const Noise& noise) { return noise.values[kOff] > 0; };
  kind.log_alpha = [](const At& at, float* out) {
    kernel::log_alpha(at.use.weights, at.w, at.own[kLogSigma2], out);
  };
  kind.signs = [](const Noise& noise) {
    constexpr Signs kSigns[] = {Signs::none, Signs::one, Signs::released};
    return kSigns[static_cast<std::size_t>(noise.values[kSampler])];
  };
  kind.signal = [](const Noise& noise, const Layer&) {
    return NoiseSignal{.weight_variance = std::exp(noise.values[kInit]), .word = "gsm"};
  };
  kind.readings = readings;
  return kind;
}

}  // namespace scalemix::inline v0::model
