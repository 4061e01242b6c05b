// Pretorius et al. (2020), "If dropout limits trainable depth, does critical initialisation still
// matter?": 12 672 networks, here a small version. Of each configuration (depth, learning rate,
// dropout) all initialisations are trained; Friedman's test asks whether their ranks differ.
// Published: among initialisations over a wide range round the critical one no significant
// difference; only extreme ones are worse.
//
//   crit = 2 / mu2, left = crit 1.18e-38^(1/L), right = crit 3.4e38^(1/L): the weight variances
//   with which a network of depth L ends at the limits of float32
//   L_k = crit - 0.9 (crit - left) / 2^k, R_k mirrors it; E = crit + 0.9 (right - crit)

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/metric/rank_test.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

const std::vector<std::string> kNames = {"L4", "L2", "C", "R2", "R4", "E"};
constexpr std::size_t kExtreme = 1;  // of them, at the end

std::vector<double> variances(double critical, double depth) {
  const double left = critical * std::exp(std::log(std::numeric_limits<float>::min()) / depth);
  const double right = critical * std::exp(std::log(std::numeric_limits<float>::max()) / depth);
  const auto away = [&](int k) { return 0.9 * (critical - left) / (1 << k); };
  return {critical - away(0), critical - away(2), critical,
          critical + away(2), critical + away(0), critical + 0.9 * (right - critical)};
}

/// Iman and Davenport's p value over the first `columns` initialisations.
double differ(const std::vector<std::vector<double>>& errors, std::size_t columns) {
  std::vector<double> accuracies;
  for (const auto& block : errors) {
    for (std::size_t j = 0; j < columns; ++j) accuracies.push_back(1 - block[j]);
  }
  return metric::iman_davenport(accuracies, columns).p;
}

/// Of L4 to R4 without the critical one.
double best_other(std::vector<double> accuracy) {
  accuracy.resize(kNames.size() - kExtreme);
  accuracy.erase(accuracy.begin() + 2);
  return *std::max_element(accuracy.begin(), accuracy.end());
}

struct Sizes {
  std::size_t width, steps, rows, seeds;
};

}  // namespace

Result does_critical_matter(const Effort& effort) {
  const Sizes sizes =
      effort.pick(Sizes{40, 100, 2000, 1}, Sizes{100, 600, 10000, 1}, Sizes{400, 5000, 60000, 3});
  struct Config {
    double p;
    std::size_t depth;
  };
  // Depths up to floor(6 xi_c).
  const std::vector<Config> configs = {{0, 4},   {0, 10},  {0.1, 3}, {0.1, 7}, {0.1, 13},
                                       {0.3, 3}, {0.3, 7}, {0.5, 2}, {0.5, 4}};
  const std::vector<double> rates =
      effort.pick<std::vector<double>>({1e-3}, {1e-3, 1e-4}, {1e-3, 1e-4, 1e-5});
  Trainee trainee(sizes.rows, 1000);
  std::vector<std::vector<double>> errors;  // (blocks, initialisations)
  run::Progress progress("network", configs.size() * rates.size() * sizes.seeds * kNames.size(),
                         effort.quiet);
  double done = 0;
  for (const Config& c : configs) {
    for (const double lr : rates) {
      for (std::size_t s = 0; s < sizes.seeds; ++s) {
        errors.emplace_back();
        for (const double sigma_w2 : variances(2 * (1 - c.p), static_cast<double>(c.depth))) {
          const Training training{
              .model = fmt::format("mlp:{}x{}", sizes.width, c.depth),
              .method = c.p > 0 ? fmt::format("bernoulli:p={:g},input={:g}", c.p, c.p) : "none",
              .sigma_w2 = sigma_w2,
              .lr = lr,
              .steps = sizes.steps,
              .watch = sizes.steps / 4,
              .seed = effort.seed + s};
          errors.back().push_back(trainee.run(training).least_error());
          progress.update(++done, "");
        }
      }
    }
  }
  progress.finish(done, "");
  Result result;
  report::Series mean{"mean over configurations", {}, {}, {}, report::Style::points};
  std::vector<double> middle;
  for (std::size_t j = 0; j < kNames.size(); ++j) {
    std::vector<double> column;
    for (const auto& block : errors) column.push_back(1 - block[j]);
    const Mean m = mean_of(column);
    Row row{fmt::format("accuracy from {}", kNames[j]), m.value, m.error};
    result.rows.push_back(row);
    mean.x.push_back(static_cast<double>(j));
    mean.y.push_back(m.value);
    mean.error.push_back(m.error);
    middle.push_back(m.value);
  }
  const double wide = differ(errors, kNames.size() - kExtreme);
  const double all = differ(errors, kNames.size());
  const double spread = *std::max_element(middle.begin(), middle.end() - kExtreme) -
                        *std::min_element(middle.begin(), middle.end() - kExtreme);
  result.rows.push_back({"p value, L4 to R4 (Iman-Davenport)", wide});
  result.rows.push_back(
      {"p value, with the extreme E", all, {}, 0, 0.05, "significant, as published"});
  Row difference{"largest difference of means, L4 to R4", spread};
  if (effort.size == Size::full) {  // a matter of training to the end
    difference.reference = 0;
    difference.tolerance = 0.1;
    difference.from = "published: net effect small";
  }
  result.rows.push_back(difference);
  result.rows.push_back({"critical less the best of L4 to R4",
                         middle[2] - best_other(middle),
                         {},
                         0,
                         0.05,
                         "published: no gain from critical initialisation"});
  result.rows.push_back({"accuracy from E less chance",
                         middle.back() - 0.1,
                         {},
                         0,
                         effort.size == Size::quick ? 0.4 : 0.3,
                         "published: at chance"});
  result.figure = {fmt::format("does critical initialisation matter? {}", trainee.data()),
                   {{"held-out accuracy: L4, L2, critical, R2, R4, E",
                     {"initialisation"},
                     {"accuracy", false, 0.0, 1.0},
                     {mean},
                     {}}},
                   1};
  result.notes = {
      fmt::format("{} networks: {} configurations of depth, dropout and learning rate, {} initial "
                  "variances; {}, {} rows, width {}, Adam, batch 100, {} steps, best of four "
                  "looks; published: 12 672 networks on four data sets, up to 500 epochs",
                  static_cast<std::size_t>(done), errors.size(), kNames.size(), trainee.data(),
                  trainee.rows(), sizes.width, sizes.steps),
      "a p value has no reference of its own: the published ones are not in the released code",
      "after so few steps the outer initialisations are worse; the published networks trained for "
      "up to 500 epochs, so the difference of means is compared at full size alone"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
