// A deep ReLU network trained from several initialisations, at a depth that theory calls trainable
// for its dropout and at one that it does not: 6 xi_c of Pretorius et al. (2018) against what
// training does. There is no published table of this; the reference is the theory's verdict.
//
//   critical 2 (1 - p)   the signal lives; whether the network learns is a matter of xi_c
//   Xavier, 1            half of that a layer: 2^-60, no gradient reaches the first layers
//   twice critical       2^60: the first losses overflow what a step can repair
//   He, 2                (1 - p)^-60 too much: theory predicts little difference

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

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

/// All seeds of one start at one p.
struct Outcome {
  std::vector<double> error, nll;  // held-out error; training nll, of those that did not diverge
  std::vector<std::vector<double>> steps;  // nll of each step, of each seed
};

void add(const Trained& t, Outcome& out) {
  out.error.push_back(t.last_error());
  if (!t.diverged) out.nll.push_back(t.last_nll());
  out.steps.push_back(t.nll);
}

void add_rows(const std::string& what, const Outcome& o, std::vector<Row>& rows) {
  const auto row = [&](const char* quantity, const std::vector<double>& values) {
    const Mean mean = mean_of(values);
    rows.push_back({what + quantity, mean.value});
    if (values.size() > 1) rows.back().error = mean.error;
  };
  row(": held-out error", o.error);
  if (!o.nll.empty()) row(": training nll", o.nll);
}

/// Theory's verdict on a start, held against the interval of its held-out errors. It says little of
/// He's start.
void add_verdict(const std::string& what, const Start& start, double depth, double reach,
                 const Outcome& o, std::vector<Claim>& claims) {
  if (start.init == std::string("he")) return;
  const bool trains = start.alive && depth <= reach;
  const std::string why = start.alive ? fmt::format("6 xi_c = {:.1f}", reach)
                                      : std::string("its signal dies or overflows");
  const Interval error = interval_of(o.error);
  claims.push_back(
      {fmt::format("{}: {} (held-out error {} {:g}), since {}", what,
                   trains ? "learns" : "does not learn", trains ? "below" : "above", kLearned, why),
       trains ? below(error, kLearned) : above(error, kLearned), text_of(error)});
}

void add_comparisons(double weak, double strong, const std::map<double, std::vector<Outcome>>& all,
                     std::vector<Claim>& claims) {
  constexpr std::size_t kCritical = 0, kHe = 1;
  const auto claim = [&](std::string sentence, const Outcome& a, const Outcome& b) {
    claims.push_back(
        {std::move(sentence), smaller(a.error, b.error), comparison(a.error, b.error)});
  };
  for (const double p : {weak, strong}) {
    claim(fmt::format("p {:.3g}: the critical start ends with a smaller error than He's", p),
          all.at(p)[kCritical], all.at(p)[kHe]);
  }
  claim(fmt::format("from the critical start the error is smaller at p {:.3g} than at p {:.3g}",
                    weak, strong),
        all.at(weak)[kCritical], all.at(strong)[kCritical]);
}

double mean_between(const std::vector<double>& nll, std::size_t first, std::size_t last) {
  return mean_of({nll.begin() + static_cast<std::ptrdiff_t>(first),
                  nll.begin() + static_cast<std::ptrdiff_t>(last)})
      .value;
}

/// The median over seeds, of those that came so far; a mean would show the one that jumps.
report::Series curve(const std::string& label, const Outcome& outcome) {
  report::Series out{label};
  std::size_t steps = 0;
  for (const auto& nll : outcome.steps) steps = std::max(steps, nll.size());
  const std::size_t stride = std::max<std::size_t>(1, steps / 60);
  for (std::size_t i = 0; i + stride <= steps; i += stride) {
    std::vector<double> values;
    for (const auto& nll : outcome.steps) {
      if (nll.size() >= i + stride) values.push_back(mean_between(nll, i, i + stride));
    }
    std::sort(values.begin(), values.end());
    out.x.push_back(static_cast<double>(i + stride));
    out.y.push_back(values[values.size() / 2]);
  }
  return out;
}

}  // namespace

Result deep_relu(const Effort& effort) {
  const Sizes sizes = effort.pick(Sizes{64, 20, 900, 6000}, Sizes{100, 60, 1800, 60000},
                                  Sizes{300, 60, 6000, 60000});
  const auto depth = static_cast<double>(sizes.depth);
  Trainee trainee(sizes.rows, 2000);
  run::Progress progress("training", 8 * effort.seeds, effort.quiet);
  Result result;
  // The noise whose 6 xi_c is half as deep again as the network, and one that ends half-way.
  const auto relu = signal::Activation::parse("relu");
  const double weak =
      sizes.depth == 60 ? 0.0027 : signal::noise_budget(relu, 0, 1.4 * depth).drop();
  const double strong =
      sizes.depth == 60 ? 0.02 : signal::noise_budget(relu, 0, 0.47 * depth).drop();
  double done = 0;
  std::map<double, std::vector<Outcome>> all;
  for (const double p : {weak, strong}) {
    signal::Network net = layer("relu", fmt::format("bernoulli:p={:g}", p), 2 * (1 - p)).network();
    const double reach = 6 * signal::propagation(net).scales->correlation;
    report::Panel panel{fmt::format("p = {:.3g}: 6 xi_c = {:.1f}, depth {}", p, reach, sizes.depth),
                        {"step"},
                        {"training nll", false, 0.0, 3.0}};
    for (const Start& start : kStarts) {
      Outcome& outcome = all[p].emplace_back();
      for (std::size_t k = 0; k < effort.seeds; ++k) {
        const Training training{.model = fmt::format("mlp:{}x{}", sizes.width, sizes.depth),
                                .method = fmt::format("bernoulli:p={:g}", p),
                                .init = start.init,
                                .optimiser = "sgd",
                                .lr = 5e-3,
                                .steps = sizes.steps,
                                .seed = effort.seed + k};
        add(trainee.run(training), outcome);
        progress.update(++done, start.name);
      }
      const std::string what = fmt::format("p {:.3g}, {}", p, start.name);
      add_rows(what, outcome, result.rows);
      add_verdict(what, start, depth, reach, outcome, result.claims);
      panel.series.push_back(curve(start.name, outcome));
    }
    result.figure.panels.push_back(panel);
  }
  add_comparisons(weak, strong, all, result.claims);
  progress.finish(done, "");
  result.figure.title =
      fmt::format("{} ReLU layers of {} on {}", sizes.depth, sizes.width, trainee.data());
  result.notes = {
      fmt::format(
          "{}, {} rows, SGD 0.005 with momentum 0.9, batch 100, {} steps, {} seeds; learns: "
          "held-out error below a third of chance, {:g}; intervals of 95 %",
          trainee.data(), trainee.rows(), sizes.steps, effort.seeds, kLearned),
      "beyond 6 xi_c a network is not dead: its training loss falls too, its held-out error lags; "
      "He's start differs from the critical one by (1 - p)^-depth alone"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
