// Type-II maximum likelihood in a linear model, where the E-step is exact (Nalisnick, Anandkumar &
// Smyth 2015; Tipping 2001): 60 rows, 40 inputs, 6 of them relevant. The objective never falls, and
// the scales of irrelevant inputs go to zero under hyper-priors that reward it.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/linear_task.h"
#include "scalemix/prior/linear_em.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr std::size_t kInputs = LinearTask::kInputs, kRelevant = LinearTask::kRelevant;
constexpr double kGone = 1e-2;  // of lambda^2

}  // namespace

Result em_monotone(const Effort& effort) {
  constexpr int rounds = 2000;
  const std::size_t sets = effort.pick<std::size_t>(3, 20, 100);
  Result result;
  report::Panel panel{"objective", {"iteration", true}, {"nats"}};
  for (const char* word : {"flat", "log_uniform", "log_uniform_scale", "inv_gamma:a=3,b=3",
                           "half_cauchy:scale=1", "rayleigh:scale=1", "gaussian:alpha=0.25"}) {
    std::size_t falls = 0;
    std::vector<double> gone, kept;
    report::Series curve{word};
    for (std::size_t k = 0; k < sets; ++k) {
      const LinearTask data(effort.seed_of(k));
      const prior::LinearFit fit = prior::linear_em(
          data.x, data.y,
          {.hyper = prior::HyperPrior::parse(word), .most_rounds = rounds, .tolerance = -1});
      for (std::size_t i = 1; i < fit.objective.size(); ++i) {
        const double before = fit.objective[i - 1];
        falls += fit.objective[i] < before - 1e-9 * std::abs(before);
      }
      const auto small = [&](std::size_t from, std::size_t to) {
        return static_cast<double>(
            std::count_if(fit.scale2.begin() + static_cast<std::ptrdiff_t>(from),
                          fit.scale2.begin() + static_cast<std::ptrdiff_t>(to),
                          [](double s) { return s < kGone; }));
      };
      gone.push_back(small(kRelevant, kInputs));
      kept.push_back(static_cast<double>(kRelevant) - small(0, kRelevant));
      for (std::size_t i = 0; k == 0 && i < fit.objective.size(); ++i) {
        curve.x.push_back(static_cast<double>(i + 1));
        curve.y.push_back(fit.objective[i]);
      }
    }
    const std::string name = word;
    result.rows.push_back({fmt::format("{}: falls in {} iterations of {} sets", name, rounds, sets),
                           static_cast<double>(falls),
                           {},
                           0,
                           0,
                           "expectation-maximisation",
                           Against::own});
    const Mean mean = mean_of(gone);
    result.rows.push_back({name + ": of 34 irrelevant scales, below 1e-2", mean.value, mean.error});
    result.rows.push_back({name + ": of 6 relevant ones, not below",
                           mean_of(kept).value,
                           {},
                           6,
                           0.5,
                           "the data",
                           Against::own});
    panel.series.push_back(curve);
  }
  result.figure = {"EM of a linear model with learned scales", {panel}};
  result.notes = {
      "y = x . w + 0.5 noise, w = 1 to 6 on the relevant inputs; the noise variance is learned too"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
