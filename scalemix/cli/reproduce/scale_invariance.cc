// Nalisnick, Anandkumar & Smyth (2015): noise whose scales are set by type-II maximum likelihood drives
// weights to be either sparse or invariant to rescaling. In a linear model, where the E-step is exact
// (prior/linear_em.h), this is measured beside ridge regression with the same noise variance:
//
//   pinned      share of the irrelevant inputs whose E w^2 is below a hundredth of what the data alone
//               leave open, the variance of least squares
//   shrinkage   mean of the posterior mean over the least-squares estimate, of relevant inputs
//   slope       d penalty / d ln c at c = 1 where a weight and its standard deviation become c times as
//               large, in nats per weight; the penalty's own scale is set anew at every c
//
// By theory the slope is 0 without a hyper-prior, where KL = log(1 + mean^2 / variance) / 2, and
// E w^2 / sigma0^2 - 1 under the ridge. The data are scaled by 1, 10 and 100: ridge shrinks by another amount
// each time, adaptive scales by the same.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/linear_task.h"
#include "scalemix/prior/linear_em.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr double kPinned = 0.01;
constexpr double kStep = 1e-4;  // of ln c

/// The penalty of one weight with its own scale: that of the hyper-prior's mode.
double adaptive_penalty(const prior::HyperPrior& hyper, double mean, double variance, double c) {
  const double m = c * c * (mean * mean + variance);
  return hyper.cost(1, m, hyper.scale2(1, m)) - std::log(c * c * variance) / 2 - 0.5;
}
double ridge_penalty(double mean, double variance, double c) {
  const double m = c * c * (mean * mean + variance);
  return m / 2 - std::log(c * c * variance) / 2 - 0.5;
}

template <class F>
double slope_of(const F& penalty) {
  return (penalty(std::exp(kStep)) - penalty(std::exp(-kStep))) / (2 * kStep);
}

struct Measured {
  double pinned = 0, shrinkage = 0, slope = 0;
};

/// Of the posteriors of a fit, beside those of least squares.
template <class Penalty>
Measured measure(const prior::LinearFit& fit, const prior::LinearFit& least,
                 const Penalty& penalty) {
  Measured out;
  for (std::size_t i = 0; i < LinearTask::kInputs; ++i) {
    const double mean = fit.mean[i], variance = fit.variance[i];
    if (i >= LinearTask::kRelevant) {
      out.pinned += (mean * mean + variance < kPinned * least.variance[i]) /
                    static_cast<double>(LinearTask::kInputs - LinearTask::kRelevant);
      continue;
    }
    out.shrinkage += mean / least.mean[i] / LinearTask::kRelevant;
    out.slope +=
        slope_of([&](double c) { return penalty(mean, variance, c); }) / LinearTask::kRelevant;
  }
  return out;
}

}  // namespace

Result scale_invariance(const Effort& effort) {
  const std::size_t sets = effort.pick<std::size_t>(3, 20, 200);
  Result result;
  report::Panel panel{"shrinkage of relevant weights",
                      {"scale of the targets", true},
                      {"posterior mean over least squares"}};
  for (const char* word : {"flat", "log_uniform", "ridge"}) {
    const bool ridge = word == std::string("ridge");
    report::Series curve{word, {}, {}, {}, report::Style::both};
    for (const double scale : {1.0, 10.0, 100.0}) {
      std::vector<double> pinned, shrinkage, slope;
      for (std::size_t k = 0; k < sets; ++k) {
        LinearTask task(effort.seed_of(k));
        for (double& y : task.y) y *= scale;
        // Flat scales held at 1 are a ridge; wide ones are least squares.
        const prior::HyperPrior hyper = prior::HyperPrior::parse(ridge ? "flat" : word);
        const double noise = LinearTask::kNoise * LinearTask::kNoise * scale * scale;
        const auto fit = [&](double sigma0, int rounds) {
          return prior::linear_em(
              task.x, task.y,
              {.hyper = hyper, .sigma0 = sigma0, .noise_variance = noise, .most_rounds = rounds});
        };
        const prior::LinearFit least = fit(1e6 * scale, 1), ours = fit(1, ridge ? 1 : 2000);
        const Measured m = measure(ours, least, [&](double mean, double variance, double c) {
          return ridge ? ridge_penalty(mean, variance, c)
                       : adaptive_penalty(hyper, mean, variance, c);
        });
        pinned.push_back(m.pinned);
        shrinkage.push_back(m.shrinkage);
        slope.push_back(m.slope);
      }
      const std::string name = fmt::format("{}, targets times {:g}", word, scale);
      const Mean mean = mean_of(shrinkage);
      result.rows.push_back({name + ": share of irrelevant inputs pinned at 0",
                             mean_of(pinned).value, mean_of(pinned).error});
      result.rows.push_back({name + ": mean over least squares, relevant", mean.value, mean.error});
      const Mean slopes = mean_of(slope);
      if (word == std::string("flat")) {
        result.rows.push_back(own(name + ": slope of the penalty under rescaling", {slopes.value},
                                  0, 0, "1.4: E R = D / 2"));
        result.rows.back().tolerance = 1e-6;
      } else {
        result.rows.push_back(
            {name + ": slope of the penalty under rescaling", slopes.value, slopes.error});
      }
      curve.x.push_back(scale);
      curve.y.push_back(mean.value);
    }
    panel.series.push_back(curve);
  }
  result.figure = {"sparse or invariant to rescaling", {panel}};
  result.notes = {fmt::format("{} rows, {} inputs, {} of them relevant; noise variance known",
                              LinearTask::kRows, LinearTask::kInputs, LinearTask::kRelevant),
                  "the paper says it in words; the measures are ours"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
