// Nalisnick, Hernandez-Lobato & Smyth (2019), the pictures of E w^2 in the 50 x 50 matrix of the residual
// block, trained on yacht. Their words: ARD shrinks by rows, ADD the whole matrix, ARD-ADD lets some
// rows grow while the rest stays shrunk, MC dropout shrinks all with some structure of rows.
//
// To measure what the pictures show, with m_ij = E w_ij^2 of input i and output j:
//
//   row share          Var_i(mean_j ln m_ij) / Var_ij(ln m_ij): 0 no rows, 1 nothing but rows
//   global shrinkage   the median of m over the prior's variance, 1
//   rows alive         inputs whose mean of m is more than ten times that median
//
// Of noise that multiplies, E w^2 is the squared weight times mu2 of the noise.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/training/shrinkage.h"
#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/cli/reproduce/training/uci.h"
#include "scalemix/run/plan.h"
#include "scalemix/run/progress.h"
#include "scalemix/train/fit.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr std::size_t kUnits = 50;
constexpr double kAlive = 10;  // times the median
constexpr double kDropped = 0.1;
constexpr std::size_t kPictures = 4;  // as the paper has

struct Method {
  const char *name, *word;  // word: "" of a structure as released
  double mu2;
};
const Method kMethods[] = {{"ARD", "ard", 1},
                           {"ADD", "add", 1},
                           {"ARD-ADD", "ard_add", 1},
                           {"MC dropout", "bernoulli:p=0.1", 1 / (1 - kDropped)},
                           {"DropConnect", "dropconnect:bernoulli:p=0.1", 1 / (1 - kDropped)},
                           {"stochastic depth", "stochastic_depth:p=0.1", 1 / (1 - kDropped)}};

/// E w^2 of the residual block's matrix, (inputs, outputs).
std::vector<double> second_moments(const model::Model& model, double mu2) {
  for (const auto& [name, tensor] : model.tensors) {
    if (!name.ends_with(".weight") || tensor.shape != model::Shape{kUnits, kUnits}) continue;
    const std::vector<float> w = tensor.floats();
    const auto spread = model.tensors.find(name.substr(0, name.size() - 6) + "log_sigma2");
    const std::vector<float> log_sigma2 =
        spread == model.tensors.end() ? std::vector<float>{} : spread->second.floats();
    std::vector<double> m(w.size());
    for (std::size_t o = 0; o < kUnits; ++o) {
      for (std::size_t i = 0; i < kUnits; ++i) {
        const std::size_t e = o * kUnits + i;
        const double variance = log_sigma2.empty() ? 0 : std::exp(double(log_sigma2[e]));
        m[i * kUnits + o] = mu2 * w[e] * w[e] + variance;
      }
    }
    return m;
  }
  return {};
}

struct Shape {
  std::vector<double> row_share, median, alive;  // of each split
};

void measure(std::vector<double> m, Shape& shape) {
  std::vector<double> row_log(kUnits), row_mean(kUnits), logs;
  for (std::size_t i = 0; i < kUnits; ++i) {
    for (std::size_t j = 0; j < kUnits; ++j) {
      const double value = std::max(m[i * kUnits + j], 1e-30);
      logs.push_back(std::log(value));
      row_log[i] += logs.back() / kUnits;
      row_mean[i] += value / kUnits;
    }
  }
  const auto variance = [](const std::vector<double>& v) {
    const double mean = mean_of(v).value;
    double sum = 0;
    for (const double x : v) sum += (x - mean) * (x - mean) / static_cast<double>(v.size());
    return sum;
  };
  shape.row_share.push_back(variance(row_log) / variance(logs));
  std::nth_element(m.begin(), m.begin() + static_cast<std::ptrdiff_t>(m.size() / 2), m.end());
  const double median = m[m.size() / 2];
  shape.median.push_back(median);
  shape.alive.push_back(static_cast<double>(std::count_if(
      row_mean.begin(), row_mean.end(), [&](double mean) { return mean > kAlive * median; })));
}

/// Rows by their mean, the largest on top, so that structure is seen.
report::Panel picture(const std::string& title, const std::vector<double>& m) {
  std::vector<std::pair<double, std::size_t>> rows;
  for (std::size_t i = 0; i < kUnits; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < kUnits; ++j) sum += m[i * kUnits + j];
    rows.emplace_back(sum, i);
  }
  std::sort(rows.begin(), rows.end());
  report::HeatMap map{"log10 E w^2", {}, {}, {}, -5, 1};
  for (std::size_t i = 0; i < kUnits; ++i) {
    map.x.push_back(static_cast<double>(i + 1));
    map.y.push_back(static_cast<double>(i + 1));
    for (std::size_t j = 0; j < kUnits; ++j) {
      map.z.push_back(std::log10(std::max(m[rows[i].second * kUnits + j], 1e-30)));
    }
  }
  report::Panel panel{title, {"output unit"}, {"input unit, by size"}};
  panel.heat = std::move(map);
  return panel;
}

}  // namespace

Result shrinkage_heat_maps(const Effort& effort) {
  const std::string set = uci_is_here("uci:yacht-icml2019") ? "uci:yacht-icml2019" : "uci:yacht";
  Result result;
  if (!uci_is_here(set)) {
    result.notes.push_back(
        "uci:yacht is not on this machine; 'scalemix data get uci:yacht' downloads it");
    return result;
  }
  run::Progress progress("training", std::size(kMethods), effort.quiet);
  std::vector<Shape> shapes;
  result.figure = {"E w^2 of the block's matrix, the first split", {}, 2};
  double done = 0;
  for (const Method& method : kMethods) {
    const bool structure = method.mu2 == 1;
    run::TrainConfig c =
        structure ? structured_as_released(set, method.word, kYachtRows, kYachtWeights, effort)
                  : dropout_as_released(set, "mc", effort);
    if (!structure) {
      c.model = "skipmlp:50x1";
      c.method = {method.word};
      c.train_samples = 1;  // dropconnect draws its weights once per step
    }
    const run::Plan plan = run::make_plan(c);
    Shape shape;
    train::Callbacks callbacks;
    callbacks.epoch = [&](const train::EpochReport& report) {
      progress.update(done + static_cast<double>(report.epoch) / c.epochs, method.name);
    };
    callbacks.end = [&](const train::Stack& stack) {
      for (std::size_t r = 0; r < stack.replicas(); ++r) {
        const std::vector<double> m = second_moments(stack.model(r), method.mu2);
        measure(m, shape);
        const bool shown = stack.members()[r] == 0 && result.figure.panels.size() < kPictures;
        if (shown) result.figure.panels.push_back(picture(method.name, m));
      }
    };
    train::run(plan.data, plan, callbacks);
    progress.update(++done, method.name);
    const auto row = [&](const char* what, const std::vector<double>& values) {
      const Mean mean = mean_of(values);
      result.rows.push_back({std::string(method.name) + ": " + what, mean.value, mean.error});
    };
    row("row share", shape.row_share);
    row("global shrinkage", shape.median);
    row("rows alive", shape.alive);
    shapes.push_back(std::move(shape));
  }
  progress.finish(done, "");
  const auto claim = [&](const std::string& sentence, const std::vector<double>& less,
                         const std::vector<double>& more) {
    result.claims.push_back({sentence, smaller(less, more), comparison(more, less, "splits")});
  };
  claim("the row share of ARD is larger than that of ADD", shapes[1].row_share,
        shapes[0].row_share);
  claim("the row share of ARD-ADD is larger than that of ADD", shapes[1].row_share,
        shapes[2].row_share);
  claim("the median of ARD-ADD is smaller than that of ARD", shapes[2].median, shapes[0].median);
  claim("the median of ARD-ADD is smaller than that of ADD", shapes[2].median, shapes[1].median);
  result.notes = {
      "structures as the released program trains them; noise at rate 0.1, one draw per row, without weight decay",
      "the paper shows pictures alone; the three measures are ours"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
