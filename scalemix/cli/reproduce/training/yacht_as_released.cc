// Nalisnick, Hernandez-Lobato & Smyth (2019), Dropout as a structured shrinkage prior: the three
// structures on yacht, as the released program trains and measures them. What it prints as the test
// RMSE is the mean over draws and rows of |y - draw|; the RMSE of the mean prediction is a row beside
// it. The +- of the paper are standard deviations over splits.
//
// The references are a port of the released program to another framework, run on the same splits (the
// paper's own), and the paper's table.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/training/shrinkage.h"
#include "scalemix/cli/reproduce/training/uci.h"
#include "scalemix/data/registry.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

struct Structure {
  const char *method, *name;
  double published, sd;  // the paper's "RMSE", over 20 splits
  const char* ported;    // mean |y - draw| of the port
  double ported_sd, ported_splits;
};

constexpr Structure kStructures[] = {{"ard", "ARD", .691, .12, "0.697", .127, 6},
                                     {"add", "ADD", .657, .14, "0.717", .107, 6},
                                     {"ard_add", "ARD-ADD", .604, .16, "0.629", .130, 20}};

/// Whether two means differ by at most two standard errors of their difference.
Claim same(const std::string& sentence, const Mean& ours, double other, double error) {
  const double off = (ours.value - other) / std::hypot(ours.error, error);
  return {sentence, std::abs(off) <= 2,
          fmt::format("{:.3f} against {:.3f}, {:+.1f} standard errors of the difference",
                      ours.value, other, off)};
}

}  // namespace

Result yacht_as_released(const Effort& effort) {
  const bool own_splits = uci_is_here("uci:yacht-icml2019");
  const std::string set = own_splits ? "uci:yacht-icml2019" : "uci:yacht";
  Result result;
  report::Panel panel{"error of single draws", {"split"}, {"mean |y - draw|"}};
  if (!uci_is_here(set)) {
    result.notes.push_back(
        "uci:yacht is not on this machine; 'scalemix data get uci:yacht' downloads it");
    return result;
  }
  run::Progress progress("training", std::size(kStructures), effort.quiet);
  double done = 0;
  for (const Structure& s : kStructures) {
    const run::TrainConfig config =
        structured_as_released(set, s.method, kYachtRows, kYachtWeights, effort);
    const UciScores scores = uci_scores(
        config, [&](double epoch) { progress.update(done + epoch / config.epochs, s.name); });
    progress.update(++done, s.name);
    const Mean error = mean_of(scores.mae_of_draws), rmse = mean_of(scores.rmse);
    const std::string name = std::string(s.name) + ": mean |y - draw|";
    result.rows.push_back({name, error.value, error.error});  // the claims hold it against others
    result.rows.push_back({std::string(s.name) + ": RMSE of the mean", rmse.value, rmse.error});
    result.claims.push_back(same(name + ": that of the port", error, std::stod(s.ported),
                                 s.ported_sd / std::sqrt(s.ported_splits)));
    result.claims.push_back(
        same(name + ": the paper's \"RMSE\"", error, s.published, s.sd / std::sqrt(20.0)));
    report::Series series{s.name};
    for (std::size_t i = 0; i < scores.mae_of_draws.size(); ++i) {
      series.x.push_back(static_cast<double>(i));
      series.y.push_back(scores.mae_of_draws[i]);
    }
    panel.series.push_back(series);
  }
  progress.finish(done, "");
  result.figure = {"structured shrinkage on yacht", {panel}};
  result.notes = {
      own_splits ? "the paper's own splits"
                 : "the usual splits: the paper's own are not on this machine",
      fmt::format(
          "penalty divided by the {:g} weights, as in the program: {:.3f} times the variational one",
          kYachtWeights, kYachtRows / kYachtWeights),
      "the program leaves out the last, shorter batch of an epoch, draws the first log sigma2 and starts biases at 0.1; here all "
      "rows are used, log sigma2 starts at the middle of its range, biases at 0"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
