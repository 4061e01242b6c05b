// A deep ReLU network trained from several initialisations, at a depth that theory calls trainable
// for its dropout and at one that it does not: 6 xi_c of Pretorius et al. (2018) against what
// training does. There is no published table of this; the reference is the theory's verdict.
//
//   critical 2 (1 - p)   the signal lives; whether the network learns is a matter of xi_c
//   Xavier, 1            half of that a layer: 2^-60, no gradient reaches the first layers
//   twice critical       2^60: the first losses overflow what a step can repair
//   He, 2                (1 - p)^-60 too much: theory predicts little difference

#include <fmt/format.h>

#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/model/signal_report.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr double kLearned = 0.3;  // held-out error: a third of what guessing ten classes gives

struct Sizes {
  std::size_t width, depth, steps, rows;
};

struct Start {
  const char* init;
  const char* name;
  bool alive;  // whether the signal reaches the end
};
const Start kStarts[] = {{"critical", "critical", true},
                         {"he", "He", true},
                         {"xavier", "Xavier", false},
                         {"critical:2", "2 x critical", false}};

/// What theory says of training: 1 it will, 0 it will not; empty for He, where it says little.
std::optional<double> verdict(const Start& start, double depth, double reach) {
  if (!start.alive) return 0;
  if (start.init == std::string("he")) return std::nullopt;
  return depth <= reach ? 1 : 0;
}

void add_rows(const std::string& what, const Trained& t, std::optional<double> theory,
              const std::string& why, std::vector<Row>& rows) {
  Row learned{what + ": learns (1) or not (0)", t.last_error() < kLearned ? 1.0 : 0.0};
  if (theory) {
    learned.reference = *theory;
    learned.tolerance = 0.5;
    learned.from = why;
  }
  rows.push_back(learned);
  rows.push_back({what + ": held-out error", t.last_error()});
  if (!t.diverged) rows.push_back({what + ": training nll", t.last_nll()});
}

report::Series curve(const std::string& label, const std::vector<double>& nll) {
  report::Series out{label};
  const std::size_t stride = std::max<std::size_t>(1, nll.size() / 60);
  for (std::size_t i = 0; i + stride <= nll.size(); i += stride) {
    double sum = 0;
    for (std::size_t j = i; j < i + stride; ++j) sum += nll[j];
    out.x.push_back(static_cast<double>(i + stride));
    out.y.push_back(sum / static_cast<double>(stride));
  }
  return out;
}

}  // namespace

Result deep_relu(const Effort& effort) {
  const Sizes sizes = effort.pick(Sizes{64, 20, 900, 6000}, Sizes{100, 60, 1800, 60000},
                                  Sizes{300, 60, 6000, 60000});
  const auto depth = static_cast<double>(sizes.depth);
  Trainee trainee(sizes.rows, 2000);
  run::Progress progress("training", 8, effort.quiet);
  Result result;
  // The noise whose 6 xi_c is half as deep again as the network, and one that ends half-way.
  const auto relu = signal::Activation::parse("relu");
  const double weak =
      sizes.depth == 60 ? 0.0027 : signal::noise_budget(relu, 0, 1.4 * depth).drop();
  const double strong =
      sizes.depth == 60 ? 0.02 : signal::noise_budget(relu, 0, 0.47 * depth).drop();
  double done = 0;
  for (const double p : {weak, strong}) {
    signal::Network net = layer("relu", fmt::format("bernoulli:p={:g}", p), 2 * (1 - p)).network();
    const double reach = 6 * signal::propagation(net).scales->correlation;
    report::Panel panel{fmt::format("p = {:.3g}: 6 xi_c = {:.1f}, depth {}", p, reach, sizes.depth),
                        {"step"},
                        {"training nll", false, 0.0, 3.0}};
    for (const Start& start : kStarts) {
      const Training training{.model = fmt::format("mlp:{}x{}", sizes.width, sizes.depth),
                              .method = fmt::format("bernoulli:p={:g}", p),
                              .init = start.init,
                              .optimiser = "sgd",
                              .lr = 5e-3,
                              .momentum = 0.9,
                              .steps = sizes.steps,
                              .seed = effort.seed};
      const Trained trained = trainee.run(training);
      add_rows(fmt::format("p {:.3g}, {}", p, start.name), trained, verdict(start, depth, reach),
               start.alive ? fmt::format("6 xi_c = {:.1f}", reach) : "signal dies or overflows",
               result.rows);
      panel.series.push_back(curve(start.name, trained.nll));
      progress.update(++done, start.name);
    }
    result.figure.panels.push_back(panel);
  }
  progress.finish(8, "");
  result.figure.title =
      fmt::format("{} ReLU layers of {} on {}", sizes.depth, sizes.width, trainee.data());
  result.notes = {
      fmt::format("{}, {} rows, SGD 0.005 with momentum 0.9, batch 100, {} steps; learns: held-out "
                  "error below a third of chance, {:g}",
                  trainee.data(), trainee.rows(), sizes.steps, kLearned),
      "beyond 6 xi_c a network is not dead: its training loss falls too, its held-out error lags; "
      "He's start differs from the critical one by (1 - p)^-depth alone"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
