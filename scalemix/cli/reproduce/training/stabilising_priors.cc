// McGregor, Pretorius, du Preez & Kroon (2019), Stabilising priors for robust Bayesian deep learning:
// Bayesian networks are brittle in many layers and under large variances of the weights; priors that
// are set anew before each forward pass, so that the signal stays stable, make deeper networks and
// noisier settings trainable. The workshop's three pages have no table; the formulas of the method were
// not at hand, so that `vi:prior=stabilising` is ours (model/noise_vi.cc).
//
// ReLU networks of 100 units on images, a Gaussian posterior over every weight, from starts whose
// weights are right, too small, too large (sigma_w^2 = fan_in E w^2 of the means: 2, 1, 4) or noisy,
// under three priors: N(0, 1), the variance at which signals are stable, N(0, 2 / fan_in), and the
// stabilising one.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr int kDeep = 20;        // layers from which on the start matters
constexpr double kLearns = 0.3;  // held-out error: a third of chance

struct Start {
  const char* name;
  double sigma_w2;
  int init;    // log variance
  bool sound;  // trainable under any prior
};
constexpr Start kStarts[] = {{"right size", 2, -10, true},
                             {"too small", 1, -10, false},
                             {"too large", 4, -10, false},
                             {"noisy", 2, -6, false}};

struct Prior {
  const char *name, *word;
};
constexpr Prior kPriors[] = {{"N(0, 1)", "vi:sigma0=1"},
                             {"N(0, 2 / fan-in)", "vi:sigma0=0.14142"},
                             {"stabilising", "vi:prior=stabilising"}};
constexpr std::size_t kStabilising = 2;

}  // namespace

Result stabilising_priors(const Effort& effort) {
  const std::vector<int> depths = effort.pick<std::vector<int>>({2}, {5, 20}, {5, 10, 20, 40, 80});
  const std::size_t starts = effort.size == Size::quick ? 1 : std::size(kStarts);
  Trainee trainee(effort.pick<std::size_t>(500, 60000, 60000), 1000);
  Training training{.batch = 100, .steps = effort.pick<std::size_t>(5, 300, 1800)};
  Result result;
  run::Progress progress("training", starts * std::size(kPriors) * depths.size() * effort.seeds,
                         effort.quiet);
  double done = 0;
  for (std::size_t s = 0; s < starts; ++s) {
    const Start& start = kStarts[s];
    report::Panel panel{
        fmt::format("{}: sigma_w^2 {:g}, log variance {}", start.name, start.sigma_w2, start.init),
        {"layers", true},
        {"held-out error"}};
    for (const Prior& prior : kPriors)
      panel.series.push_back({prior.name, {}, {}, {}, report::Style::both});
    for (const int depth : depths) {
      std::vector<std::vector<double>> errors(std::size(kPriors));
      for (std::size_t p = 0; p < std::size(kPriors); ++p) {
        for (std::size_t k = 0; k < effort.seeds; ++k) {
          training.model = fmt::format("mlp:100x{}", depth);
          training.method = fmt::format("{},init={}", kPriors[p].word, start.init);
          training.sigma_w2 = start.sigma_w2;
          training.seed = effort.seed + k;
          errors[p].push_back(trainee.run(training).last_error());
          progress.update(++done, training.method);
        }
        const Mean mean = mean_of(errors[p]);
        result.rows.push_back(
            {fmt::format("{}, {} layers, {}: held-out error", start.name, depth, kPriors[p].name),
             mean.value, mean.error});
        panel.series[p].x.push_back(depth);
        panel.series[p].y.push_back(mean.value);
      }
      const bool deep = depth >= kDeep || effort.size == Size::quick;
      for (std::size_t p = 0; deep && p < std::size(kPriors); ++p) {
        const Interval error = interval_of(errors[p]);
        const bool should = p == kStabilising || start.sound;
        result.claims.push_back({fmt::format("{}, {} layers: {} under {}", start.name, depth,
                                             should ? "learns" : "does not learn", kPriors[p].name),
                                 should ? below(error, kLearns) : above(error, kLearns),
                                 "held-out error " + text_of(error)});
      }
    }
    result.figure.panels.push_back(panel);
  }
  progress.finish(done, "");
  result.figure.title = "Gaussian posteriors in deep networks under three priors";
  result.notes = {
      fmt::format("{}, {} steps of 100 rows, Adam 0.001, full penalty from the first step",
                  trainee.data(), training.steps),
      "a network learns if its held-out error is below 0.3, a third of chance",
      "the stabilising prior is our reading: rescaled posteriors with fan_in E w^2 = 2"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
