#include "scalemix/train/tune.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/base/number_text.h"
#include "scalemix/base/parallel.h"
#include "scalemix/base/word.h"
#include "scalemix/data/split.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::train {
namespace {

constexpr std::string_view kTuned = "tuned";
constexpr double kHeldOut = 0.2;
constexpr double kStandardised[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

struct Published {
  std::string_view data;
  std::array<double, 3> grid;
};
// Of 2018, in the repository of the experiments.
constexpr Published kPublished[] = {
    {"uci:boston", {.1, .15, .2}},        {"uci:concrete", {.025, .05, .075}},
    {"uci:energy", {.25, .5, .75}},       {"uci:kin8nm", {150, 200, 250}},
    {"uci:naval", {30000, 40000, 50000}}, {"uci:power", {.05, .1, .15}},
    {"uci:protein", {.025, .05, .075}},   {"uci:wine", {2.5, 3, 3.5}},
    {"uci:yacht", {.25, .5, .75}}};

double positive(std::string_view text) {
  const std::optional<double> value = read_number(text);
  if (value && *value > 0 && std::isfinite(*value)) return *value;
  throw ConfigError(fmt::format("precision tuned: expected positive numbers, got '{}'", text));
}

std::vector<double> grid_of(const data::Dataset& data, const FitOptions& options,
                            const Replica& replica) {
  const std::string_view given = split_word(options.precision).rest;
  std::vector<double> out;
  for (const std::string_view text : split(given, ',')) out.push_back(positive(text));
  if (!out.empty()) return out;
  for (const Published& set : kPublished) {
    if (set.data == data.name) return {set.grid.begin(), set.grid.end()};
  }
  const double scale = replica.standardisation.target_scale;
  for (const double value : kStandardised) out.push_back(value / (scale * scale));
  return out;
}

/// The replica with a part of its training rows in place of its test rows.
Replica held_out(const data::Dataset& data, const FitOptions& options, const Replica& replica) {
  Replica out = replica;
  std::vector<std::uint32_t>& train = out.split.train;
  const auto kept = static_cast<std::ptrdiff_t>((1 - kHeldOut) * static_cast<double>(train.size()));
  if (kept < 1) throw DataError(data.name, 0, 0, "too few rows to hold some out for the precision");
  if (data.splits.empty()) {
    data::Split part{.train = std::move(train)};
    data::carve_validation(part, kHeldOut, replica.seed);
    train = std::move(part.train);
    out.split.test = std::move(part.validation);
  } else {
    out.split.test.assign(train.begin() + kept, train.end());
    train.resize(static_cast<std::size_t>(kept));
  }
  FitOptions no_more = options;  // validation rows are carved out already
  no_more.validation_fraction = 0;
  prepare(out, no_more, data);
  return out;
}

}  // namespace

bool tunes_precision(const FitOptions& options) {
  return split_word(options.precision).name == kTuned;
}

std::string Tuning::word() const {
  std::string out;
  for (std::size_t r = 0; r < best.size(); ++r) {
    out += (r ? "," : "") + shortest_number(grid[r][best[r]]);
  }
  return out;
}

Tuning tune_precision(const data::Dataset& data, const Plan& plan, std::size_t samples,
                      const Callbacks& callbacks) {
  if (plan.spec.task != Task::regression) {
    throw ConfigError("precision tuned: only of a regression");
  }
  Tuning out;
  Plan trials{plan.options, plan.spec, {}};
  std::vector<std::pair<std::size_t, std::size_t>> place;  // of each trial: replica, point
  trials.options.precision.clear();
  for (std::size_t r = 0; r < plan.replicas.size(); ++r) {
    const Replica part = held_out(data, plan.options, plan.replicas[r]);
    out.grid.push_back(grid_of(data, plan.options, plan.replicas[r]));
    out.score.emplace_back(out.grid[r].size());
    for (std::size_t k = 0; k < out.grid[r].size(); ++k) {
      trials.replicas.push_back(part);
      place.emplace_back(r, k);
      if (place.size() > 1) trials.options.precision += ',';
      trials.options.precision += shortest_number(out.grid[r][k]);
    }
  }
  Callbacks quiet{.step = callbacks.step, .epoch = callbacks.epoch, .stop = callbacks.stop};
  const std::string metric = samples > 0 ? "mc_log_likelihood" : "log_likelihood";
  quiet.end = [&](const Stack& stack) {
    parallel_tiles(stack.replicas(), [&](std::size_t i) {
      const std::size_t trial = stack.members()[i];
      const predict::Predictor predictor(stack.model(i));
      const auto rows = data::rows_of(data, trials.replicas[trial].split.test);
      const auto [r, k] = place[trial];
      out.score[r][k] =
          predict::evaluate({&predictor}, rows, {.samples = samples, .seed = plan.options.seed})
              .at(metric);
    });
  };
  if (!run(data, trials, quiet)) return out;
  for (const std::vector<double>& score : out.score) {
    out.best.push_back(
        static_cast<std::size_t>(std::max_element(score.begin(), score.end()) - score.begin()));
  }
  return out;
}

}  // namespace scalemix::inline v0::train
