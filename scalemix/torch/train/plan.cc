#include "scalemix/torch/train/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "scalemix/base/error.h"
#include "scalemix/base/name_list.h"
#include "scalemix/data/split.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"
#include "scalemix/run/initial_weights.h"
#include "scalemix/run/signal_report.h"

namespace scalemix::inline v0::train {
namespace {

data::Dataset open_data(const run::TrainConfig& c) {
  data::OpenOptions options;
  options.target = c.target;
  if (c.task != "auto") {
    options.task = c.task == "regression" ? Task::regression : Task::classification;
  }
  options.categorical = c.categorical;
  options.ignore = c.ignore;
  options.missing = c.missing;
  if (c.header != "auto") options.header = c.header == "yes";
  return data::open(c.data, options);
}

std::size_t split_count(const std::string& text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count == 0) {
    throw ConfigError(fmt::format("splits must be all, auto or a number from 1, got '{}'", text));
  }
  return count;
}

/// The splits that came with the data, as the config picks from them.
std::vector<data::Split> shipped_splits(const run::TrainConfig& c, const data::Dataset& d) {
  if (c.split >= 0) {
    if (static_cast<std::size_t>(c.split) >= d.splits.size()) {
      throw ConfigError(fmt::format("split must be below {}, the splits of {}, got {}",
                                    d.splits.size(), d.name, c.split));
    }
    return {d.splits[static_cast<std::size_t>(c.split)]};
  }
  if (c.splits == "all") return d.splits;
  if (c.splits == "auto") return {d.splits.front()};
  const std::size_t count = split_count(c.splits);
  if (count > d.splits.size()) {
    throw ConfigError(
        fmt::format("{} has {} splits, asked for {}", d.name, d.splits.size(), count));
  }
  return {d.splits.begin(), d.splits.begin() + static_cast<std::ptrdiff_t>(count)};
}

std::vector<data::Split> divide(const run::TrainConfig& c, const data::Dataset& d) {
  if (c.folds) return data::folds(d.rows(), static_cast<std::size_t>(c.folds), c.seed, d.label);
  if (!d.splits.empty()) return shipped_splits(c, d);
  if (c.split >= 0 || c.splits == "all") {
    throw ConfigError(
        fmt::format("{} came without splits; use folds, or splits with a number", d.name));
  }
  if (c.splits == "auto") return {data::fraction(d.rows(), c.test_fraction, 0, c.seed, d.label)};
  return data::repeated(d.rows(), split_count(c.splits), c.test_fraction, c.seed, d.label);
}

Settings settings_of(const run::TrainConfig& c, const run::GridPoint& point) {
  Settings out{.lr = c.lr, .penalty = c.penalty, .weight_decay = c.weight_decay};
  for (const auto& [key, value] : point) {
    (key == "lr" ? out.lr : key == "penalty" ? out.penalty : out.weight_decay) = value;
  }
  return out;
}

/// Splits, of each its seeds, of each all points of the grid: these share the seed, so that they
/// differ in nothing else.
std::vector<Replica> make_replicas(const run::TrainConfig& c, const data::Dataset& d) {
  std::vector<Replica> replicas;
  const std::vector<run::GridPoint> points = run::grid_points(c.grid);
  std::uint64_t index = 0;
  for (const data::Split& split : divide(c, d)) {
    for (int s = 0; s < c.seeds; ++s) {
      Replica replica{.seed = c.seed + index++, .split = split, .standardisation = {}};
      if (c.validation_fraction > 0) {
        data::carve_validation(replica.split, c.validation_fraction, replica.seed, d.label);
      }
      if (replica.split.train.empty()) throw DataError(d.name, 0, 0, "no rows left to train on");
      replica.standardisation = data::standardise(d, replica.split.train);
      for (const run::GridPoint& point : points) {
        replicas.push_back(replica);
        replicas.back().point = point;
        replicas.back().settings = settings_of(c, point);
      }
    }
  }
  return replicas;
}

bool has_posterior(const model::Spec& spec) {
  bool found = false;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    found |= !layer.posterior.empty();
  });
  return found;
}

bool convolutional(const model::Spec& spec) {
  bool found = false;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    found |= layer.type == "conv2d";
  });
  return found;
}

bool noisy(const model::Spec& spec) {
  bool found = false;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    found |= model::stochastic(layer);
  });
  return found;
}

/// Dropout, where there is a hidden layer to drop and a network from a file brings no noise itself.
std::string default_method(const model::Spec& spec) {
  if (noisy(spec)) return "none";
  int weight_layers = 0;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    weight_layers += layer.type == "linear" || layer.type == "conv2d";
  });
  return weight_layers > 1 ? "bernoulli:p=0.1" : "none";
}

/// Fills what the config left open; the numbers' reasons stand in docs/guide/train.md.
void resolve(run::TrainConfig& c, const data::Dataset& d, const model::Spec& spec) {
  const bool sparse = has_posterior(spec);
  if (c.epochs == 0) c.epochs = !d.images() ? 400 : sparse && !convolutional(spec) ? 40 : 30;
  if (c.batch == 0) c.batch = d.images() ? 100 : 128;
  c.init = run::initial_weights(spec, c.init).word;
  if (c.lr == 0) c.lr = c.optimiser == "adam" ? 1e-3 : 1e-2;
  if (c.schedule == "auto") c.schedule = sparse ? "linear" : "constant";
  if (c.schedule_step == 0) c.schedule_step = std::max(1, c.epochs / 3);
  if (c.warmup_start < 0) c.warmup_start = sparse ? std::min(5.0, c.epochs / 10.0) : 0;
  if (c.warmup < 0) c.warmup = sparse ? std::min(15.0, c.epochs / 4.0) : 0;
  if (c.samples < 0) c.samples = !noisy(spec) ? 0 : convolutional(spec) ? 10 : 100;
  c.task = d.task == Task::regression ? "regression" : "classification";
}

std::vector<std::string> find_warnings(const Plan& plan) {
  std::vector<std::string> warnings;
  const std::vector<std::uint32_t>& train = plan.replicas.front().split.train;
  if (data::constant_target(plan.data, train)) {
    warnings.push_back(
        fmt::format("the target '{}' is {} on all training rows: there is nothing to learn",
                    plan.data.target, plan.data.y[train.front()]));
  }
  if (!plan.data.images()) {  // an image's border is black, which is no mistake
    const auto constant = data::constant_columns(plan.data, train);
    if (!constant.empty()) {
      warnings.push_back(
          fmt::format("constant on the training rows, so of no use: {}", name_list(constant)));
    }
  }
  model::for_each_layer(plan.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (layer.law.empty() || layer.mode == model::Mode::add) return;
    const auto law = law::AnyLaw::parse(layer.law);
    if (!law.normalised()) {
      warnings.push_back(
          fmt::format("{} has no finite mean other than 0: its draws multiply as they "
                      "are, and deterministic passes use the median {}",
                      law.spec(), law.centre()));
    }
  });
  for (const std::string& warning :
       run::signal_warnings(plan.spec, run::initial_weights(plan.spec, plan.config.init))) {
    warnings.push_back(warning);
  }
  warnings.insert(warnings.end(), plan.data.notes.begin(), plan.data.notes.end());
  std::sort(warnings.begin(), warnings.end());
  warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
  return warnings;
}

}  // namespace

Plan make_plan(run::TrainConfig config) {
  run::validate(config);
  Plan plan;
  plan.data = open_data(config);
  if (config.model == "auto") config.model = plan.data.images() ? "mlp:300-100" : "mlp:50";
  const bool regression = plan.data.task == Task::regression;
  plan.spec =
      model::architecture(config.model, {.input = plan.data.shape,
                                         .task = plan.data.task,
                                         .outputs = regression ? 1 : plan.data.classes.size()});
  if (config.method.empty()) config.method = {default_method(plan.spec)};
  for (const std::string& method : config.method) model::apply_method(plan.spec, method);
  config.method = plan.spec.methods.empty() ? std::vector<std::string>{"none"} : plan.spec.methods;
  resolve(config, plan.data, plan.spec);
  plan.replicas = make_replicas(config, plan.data);
  plan.config = std::move(config);
  plan.warnings = find_warnings(plan);
  return plan;
}

Estimate estimate(const Plan& plan) {
  Estimate e;
  std::size_t activations = plan.data.width();
  model::for_each_layer(plan.spec, [&](const model::Layer& layer, const model::Shape& in) {
    for (const model::Parameter& p : model::parameters(layer)) {
      if (!p.trained) continue;
      std::size_t n = 1;
      for (const std::size_t s : p.shape) n *= s;
      e.weights += n;
    }
    std::size_t n = 1;
    for (const std::size_t s : model::output_shape(layer, in)) n *= s;
    activations += n;
  });
  const std::size_t replicas = plan.replicas.size();
  const auto batch = static_cast<std::size_t>(plan.config.batch);
  // values, gradients, two moments, and the best so far; activations with their gradients
  e.bytes = 4 * (plan.data.x.size() + replicas * (5 * e.weights + 2 * batch * activations));
  for (const Replica& r : plan.replicas) {
    const auto steps = static_cast<std::int64_t>((r.split.train.size() + batch - 1) / batch);
    e.steps = std::max(e.steps, steps);
  }
  return e;
}

}  // namespace scalemix::inline v0::train
