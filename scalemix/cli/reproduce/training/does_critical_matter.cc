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
constexpr std::size_t kExtreme = 1;                      // of them, at the end
constexpr std::size_t kTrained[] = {0, 2, 4, 6, 8, 10};  // of the eleven initial variances

/// L4 to L1, C, R1 to R4, E1, E2.
std::vector<double> variances(double critical, double depth) {
  const double left = critical * std::exp(std::log(std::numeric_limits<float>::min()) / depth);
  const double right = critical * std::exp(std::log(std::numeric_limits<float>::max()) / depth);
  std::vector<double> out;
  const auto away = [&](int k) { return 0.9 * (critical - left) / (1 << k); };
  for (int k = 0; k < 4; ++k) out.push_back(critical - away(k));
  out.push_back(critical);
  for (int k = 3; k >= 0; --k) out.push_back(critical + away(k));
  out.push_back(critical + 0.9 * (right - critical) / 2);
  out.push_back(critical + 0.9 * (right - critical));
  return out;
}

/// The eleven of two configurations, as the released code makes them.
struct Released {
  double keep, depth;
  const char* variances[11];
};
constexpr Released kReleased[] = {
    {0.5,
     4,
     {"0.1", "0.55", "0.775", "0.8875", "1", "1.1125", "1.225", "1.45", "1.9", "1.93e9", "3.87e9"}},
    {1,
     10,
     {"0.20029", "1.1001", "1.5501", "1.775", "2", "2.225", "2.4499", "2.8999", "3.7997", "6419.5",
      "12837"}}};

void add_protocol(std::vector<Row>& rows) {
  static constexpr const char* kAll[] = {"L4", "L3", "L2", "L1", "C", "R1",
                                         "R2", "R3", "R4", "E1", "E2"};
  for (const Released& r : kReleased) {
    const std::vector<double> ours = variances(2 * r.keep, r.depth);
    for (std::size_t k = 0; k < ours.size(); ++k) {
      rows.push_back(published(
          fmt::format("keep {:g}, depth {:g}: initial variance {}", r.keep, r.depth, kAll[k]),
          {ours[k]}, r.variances[k], "released code"));
    }
  }
}

/// Iman and Davenport's p value over the first `columns` initialisations.
double differ(const std::vector<std::vector<double>>& errors, std::size_t columns) {
  std::vector<double> accuracies;
  for (const auto& block : errors) {
    for (std::size_t j = 0; j < columns; ++j) accuracies.push_back(1 - block[j]);
  }
  return metric::iman_davenport(accuracies, columns).p;
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
  const std::size_t seeds = std::max(sizes.seeds, effort.seeds);
  run::Progress progress("network", configs.size() * rates.size() * seeds * kNames.size(),
                         effort.quiet);
  double done = 0;
  for (const Config& c : configs) {
    for (const double lr : rates) {
      for (std::size_t s = 0; s < seeds; ++s) {
        errors.emplace_back();
        const std::vector<double> all = variances(2 * (1 - c.p), static_cast<double>(c.depth));
        for (const std::size_t k : kTrained) {
          const Training training{
              .model = fmt::format("mlp:{}x{}", sizes.width, c.depth),
              .method = c.p > 0 ? fmt::format("bernoulli:p={:g},input={:g}", c.p, c.p) : "none",
              .sigma_w2 = all[k],
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
  for (std::size_t j = 0; j < kNames.size(); ++j) {
    std::vector<double> column;
    for (const auto& block : errors) column.push_back(1 - block[j]);
    const Mean m = mean_of(column);
    Row row{fmt::format("accuracy from {}", kNames[j]), m.value, m.error};
    result.rows.push_back(row);
    mean.x.push_back(static_cast<double>(j));
    mean.y.push_back(m.value);
    mean.error.push_back(m.error);
  }
  const double wide = differ(errors, kNames.size() - kExtreme);
  const double all = differ(errors, kNames.size());
  result.rows.push_back({"p value, L4 to R4 (Iman-Davenport)", wide});
  result.rows.push_back({"p value, with the extreme E", all});
  std::vector<double> gain, chance;
  for (const auto& block : errors) {
    gain.push_back((block[1] + block[3]) / 2 - block[2]);
    chance.push_back(1 - block.back() - 0.1);
  }
  result.claims = {
      {"initialisations differ once the extreme one is among them (p < 0.05)",
       all < 0.05 ? std::optional(true) : std::nullopt, fmt::format("p = {:.2g}", all)},
      // A large p would not show that they are alike.
      {"over the wide range without it they do not (no p < 0.05)",
       wide < 0.05 ? std::optional(false) : std::nullopt, fmt::format("p = {:.2g}", wide)},
      {"the critical start gains nothing over its neighbours L2 and R2 (accuracy within 0.02)",
       between(interval_of(gain), -0.02, 0.02), text_of(interval_of(gain))},
      {"the extreme start stays at chance (accuracy within 0.05 of it)",
       between(interval_of(chance), -0.05, 0.05), text_of(interval_of(chance))}};
  add_protocol(result.rows);
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
      "up to 500 epochs"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
