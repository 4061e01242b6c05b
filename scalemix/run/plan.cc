#include "scalemix/run/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <numeric>

#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/name_list.h"
#include "scalemix/base/word.h"
#include "scalemix/data/rows.h"
#include "scalemix/data/split.h"
#include "scalemix/engine/layout.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/initial_weights.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/signal_report.h"
#include "scalemix/predict/evaluate.h"
#include "scalemix/run/folder.h"
#include "scalemix/train/objective.h"

namespace scalemix::inline v0::run {
namespace {

/// "32x48": height and width.
std::vector<std::size_t> read_image_size(const std::string& text) {
  const std::vector<std::string_view> sides = split(text, 'x');
  if (sides.size() != 2) {
    throw ConfigError(fmt::format("image_size must be HxW, such as 32x32, got '{}'", text));
  }
  const std::size_t height = read_count("image_size", sides[0]),
                    width = read_count("image_size", sides[1]);
  if (3 * height * width > limit(Limit::numbers)) {
    throw ConfigError(fmt::format("image_size {}: {}", text, beyond(Limit::numbers)));
  }
  return {height, width};
}

data::OpenOptions open_options(const TrainConfig& c) {
  data::OpenOptions options;
  options.target = c.target;
  if (c.task != "auto") {
    options.task = c.task == "regression" ? Task::regression : Task::classification;
  }
  options.categorical = c.categorical;
  options.ignore = c.ignore;
  options.missing = c.missing;
  options.decimal = c.decimal;
  options.thousands = c.thousands;
  options.units = c.units;
  options.as = c.as;
  options.id = c.id;
  options.group = c.group;
  options.time = c.time_split;
  if (c.header != "auto") options.header = c.header == "yes";
  if (!c.image_size.empty()) options.image = read_image_size(c.image_size);
  return options;
}

data::Dataset open_data(const TrainConfig& c) { return data::open(c.data, open_options(c)); }

/// Rows of another file, coded as those of the data, become its test set.
void append_test(const TrainConfig& c, data::Dataset& d) {
  if (!d.splits.empty()) {
    throw ConfigError(fmt::format("test: {} comes with a test set of its own", d.name));
  }
  data::OpenOptions options = open_options(c);
  options.id.clear();
  const data::LabelledRows rows =
      data::open_rows(c.test, data::format_of(d), data::Labels::required, options);
  data::Split split;
  split.train.resize(d.rows());
  split.test.resize(rows.rows);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(d.rows()));
  d.x.insert(d.x.end(), rows.x.begin(), rows.x.end());
  d.y.insert(d.y.end(), rows.y.begin(), rows.y.end());
  d.label.insert(d.label.end(), rows.label.begin(), rows.label.end());
  d.splits = {split};
  for (const std::string& warning : rows.warnings) d.notes.push_back(c.test + ": " + warning);
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
std::vector<data::Split> shipped_splits(const TrainConfig& c, const data::Dataset& d) {
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

/// Before so many are made.
void check_replicas(std::uint64_t splits, std::uint64_t seeds, std::uint64_t points) {
  const std::uint64_t all = times(splits, times(seeds, points));
  if (all <= limit(Limit::replicas)) return;
  throw ConfigError(
      fmt::format("{} splits or folds of {} seeds and {} points of the grid are {} replicas, {}",
                  splits, seeds, points, all, beyond(Limit::replicas)));
}

/// What parts keep the proportions of: of one stratum there is nothing to keep.
void set_strata(const TrainConfig& c, data::Dataset& d) {
  if (c.stratify == "none") d.strata.assign(d.rows(), 0);
  if (c.stratify == "target" && d.task == Task::regression) d.strata = data::tenths(d.y);
}

/// Only one thing decides on the division.
void check_division(const TrainConfig& c, const data::Dataset& d) {
  const auto refuse = [](const char* a, const char* b) {
    throw ConfigError(fmt::format("{} and {} both decide on the test set; give one", a, b));
  };
  const bool group = !c.group.empty(), time = !c.time_split.empty(), test = !c.test.empty();
  if (test && group) refuse("test", "group");
  if (test && time) refuse("test", "time_split");
  if (test && c.folds) refuse("test", "folds");
  if (group && time) refuse("group", "time_split");
  if (time && (c.folds || c.splits != "auto")) refuse("time_split", c.folds ? "folds" : "splits");
  if ((group && d.group.empty()) || (time && d.time.empty())) {
    throw ConfigError(fmt::format("{}: {} is no table, so it has no such column",
                                  group ? "group" : "time_split", d.name));
  }
}

std::vector<data::Split> divide_by_group(const TrainConfig& c, const data::Dataset& d) {
  if (c.folds) return data::folds_by_group(d.group, static_cast<std::size_t>(c.folds), c.seed);
  std::vector<data::Split> splits;
  const std::size_t count = c.splits == "auto" ? 1 : split_count(c.splits);
  check_replicas(count, 1, 1);
  for (std::uint32_t i = 0; i < count; ++i) {
    splits.push_back(data::by_group(d.group, c.test_fraction, c.seed, i));
  }
  return splits;
}

std::vector<data::Split> divide(const TrainConfig& c, const data::Dataset& d) {
  const std::vector<std::int32_t>& strata = d.strata_or_label();
  check_division(c, d);
  if (c.folds) check_replicas(static_cast<std::uint64_t>(c.folds), 1, 1);
  if (!d.time.empty()) return {data::by_time(d.time, c.test_fraction)};
  if (!d.group.empty()) return divide_by_group(c, d);
  if (c.folds) return data::folds(d.rows(), static_cast<std::size_t>(c.folds), c.seed, strata);
  if (!d.splits.empty()) return shipped_splits(c, d);
  if (c.split >= 0 || c.splits == "all") {
    throw ConfigError(
        fmt::format("{} came without splits; use folds, or splits with a number", d.name));
  }
  if (c.splits == "auto") return {data::fraction(d.rows(), c.test_fraction, 0, c.seed, strata)};
  check_replicas(split_count(c.splits), 1, 1);
  return data::repeated(d.rows(), split_count(c.splits), c.test_fraction, c.seed, strata);
}

/// Splits, of each its seeds, of each all points of the grid: these share the seed, so that they
/// differ in nothing else.
std::vector<train::Replica> make_replicas(const TrainConfig& c, const data::Dataset& d) {
  std::vector<train::Replica> replicas;
  const std::vector<train::GridPoint> points = train::grid_points(c.grid);
  std::uint64_t index = 0;
  const std::vector<data::Split> splits = divide(c, d);
  check_replicas(splits.size(), static_cast<std::uint64_t>(c.seeds), points.size());
  for (const data::Split& split : splits) {
    for (int s = 0; s < c.seeds; ++s) {
      train::Replica replica{.seed = c.seed + index++, .split = split};
      train::prepare(replica, c, d);
      for (const train::GridPoint& point : points) {
        replicas.push_back(replica);
        replicas.back().point = point;
        replicas.back().settings = train::settings_of(c, point);
      }
    }
  }
  return replicas;
}

bool convolutional(const model::Spec& spec) {
  bool found = false;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    found |= model::has_weights(layer) && model::layer_kind(layer.type).windows;
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
    weight_layers += model::has_weights(layer);
  });
  return weight_layers > 1 ? "bernoulli:p=0.1" : "none";
}

/// Fills what the config left open.
void resolve(TrainConfig& c, const data::Dataset& d, const model::Spec& spec) {
  train::resolve(c, d, spec);
  if (c.samples < 0) c.samples = !noisy(spec) ? 0 : convolutional(spec) ? 10 : 100;
  c.task = d.task == Task::regression ? "regression" : "classification";
}

/// Laws that multiply without a finite mean other than 0.
void warn_of_laws(const model::Spec& spec, std::vector<std::string>& warnings) {
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    for (const model::Noise& noise : layer.noise) {
      const model::NoiseSignal s = model::noise_signal(noise, layer);
      if (!s.law || s.add || s.law->normalised()) continue;
      warnings.push_back(
          fmt::format("{} has no finite mean other than 0: its draws multiply as they "
                      "are, and deterministic passes use the median {}",
                      s.law->spec(), s.law->centre()));
    }
  });
}

/// A batch of one row cannot be normalised over the batch.
void warn_of_batches(const Plan& plan, std::vector<std::string>& warnings) {
  bool normalised = false;
  model::for_each_layer(plan.spec, [&](const model::Layer& layer, const model::Shape&) {
    normalised |= model::layer_kind(layer.type).of_batch;
  });
  if (!normalised) return;
  const auto batch = std::max<std::size_t>(2, static_cast<std::size_t>(plan.options.batch));
  if (plan.options.batch < 2) {
    warnings.push_back(
        "the network normalises over the batch, which takes two rows at least: batch 1 means 2");
  }
  for (const train::Replica& r : plan.replicas) {
    if (r.split.train.size() % batch != 1) continue;
    warnings.push_back(
        fmt::format("{} training rows leave a last batch of one row, which cannot be normalised "
                    "over the batch: it joins the batch before it",
                    r.split.train.size()));
    return;
  }
}

/// Says which layers start anew; throws ConfigError if all do.
void check_from(const TrainConfig& c, const model::Spec& spec, std::vector<std::string>& warnings) {
  const engine::Layout layout(spec);
  std::vector<float> values(layout.values()), state(layout.state());
  const std::vector<std::string> taken = layout.take(*c.from, values.data(), state.data());
  std::vector<std::string> anew;
  for (const engine::Slot& slot : layout.slots()) {
    const bool found = std::find(taken.begin(), taken.end(), slot.name) != taken.end();
    if (!found) anew.push_back(slot.name);
  }
  if (taken.empty()) {
    throw ConfigError(fmt::format("from {}: none of its tensors has a name and shape of {}",
                                  c.from_model, c.model));
  }
  if (!anew.empty()) {
    warnings.push_back(
        fmt::format("not in {}, so started anew: {}", c.from_model, name_list(anew)));
  }
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
  warn_of_laws(plan.spec, warnings);
  warn_of_batches(plan, warnings);
  for (const std::string& warning :
       model::signal_warnings(plan.spec, model::initial_weights(plan.spec, plan.config.init))) {
    warnings.push_back(warning);
  }
  warnings.insert(warnings.end(), plan.data.notes.begin(), plan.data.notes.end());
  std::sort(warnings.begin(), warnings.end());
  warnings.erase(std::unique(warnings.begin(), warnings.end()), warnings.end());
  return warnings;
}

/// Reads the teacher's files and asks it.
void ask_teacher(TrainConfig& c, data::Dataset& data) {
  if (c.objective == "mc") c.objective = "distil";
  const train::Objective objective(c.objective);
  if (!objective.row().soft) {
    throw ConfigError(
        fmt::format("teacher: learned with --objective distil, not with {}", c.objective));
  }
  std::vector<std::unique_ptr<predict::Predictor>> made;
  std::vector<const predict::Predictor*> all;
  for (const std::string& file : find_models(c.teacher)) {
    made.push_back(std::make_unique<predict::Predictor>(model::load_model(file)));
    all.push_back(made.back().get());
    const model::Preprocessing& p = made.back()->preprocessing();
    const model::Spec& spec = made.back()->spec();
    if (spec.input != data.shape || spec.task != data.task) {
      throw ConfigError(fmt::format("teacher {}: takes {}, not the rows of {}", file,
                                    model::shape_text(spec.input), data.name));
    }
    if (!p.schema.empty() && p.schema != data.schema) {
      throw ConfigError(fmt::format("teacher {}: was trained on other columns than those of {}",
                                    file, data.name));
    }
    if (spec.task == Task::classification && p.classes != data.classes) {
      throw ConfigError(fmt::format("teacher {}: its classes are {}, those of {} are {}", file,
                                    fmt::join(p.classes, ", "), data.name,
                                    fmt::join(data.classes, ", ")));
    }
  }
  ask(all, c.objective, c.seed, data);
}

}  // namespace

void ask(const std::vector<const predict::Predictor*>& teacher, const std::string& word,
         std::uint64_t seed, data::Dataset& data) {
  const train::Objective objective(word);
  data::LabelledRows rows;
  rows.rows = data.rows();
  rows.x = data.x;
  const predict::RowPredictions said = predict::predict_rows(
      teacher, rows, {.samples = static_cast<std::size_t>(objective.own()[2]), .seed = seed});
  data.soft.clear();
  if (data.task == Task::regression) {
    const double hard = objective.own()[1];
    data.soft.resize(rows.rows);
    for (std::size_t n = 0; n < rows.rows; ++n) {
      data.soft[n] = static_cast<float>(hard * data.y[n] + (1 - hard) * said.mean[n]);
    }
    return;
  }
  // A probability of 0 is taken as the least that a float has.
  data.soft.reserve(said.p.size());
  for (const double p : said.p)
    data.soft.push_back(static_cast<float>(std::log(std::max(p, 1e-38))));
}

Plan make_plan(TrainConfig config) {
  validate(config);
  data::Dataset data = open_data(config);
  if (!config.test.empty()) append_test(config, data);
  return make_plan(std::move(config), std::move(data));
}

Plan make_plan(TrainConfig config, data::Dataset data) {
  validate(config);
  Plan plan;
  if (!config.from_model.empty()) {
    config.from =
        std::make_shared<model::Model>(model::load_model(find_models(config.from_model).front()));
  }
  plan.data = std::move(data);
  set_strata(config, plan.data);
  if (!config.teacher.empty()) ask_teacher(config, plan.data);
  if (config.model == "auto") config.model = plan.data.images() ? "mlp:300-100" : "mlp:50";
  const bool regression = plan.data.task == Task::regression;
  plan.spec =
      model::architecture(config.model, {.input = plan.data.shape,
                                         .task = plan.data.task,
                                         .outputs = regression ? 1 : plan.data.classes.size()});
  if (config.method.empty()) config.method = {default_method(plan.spec)};
  for (const std::string& method : config.method) model::apply_method(plan.spec, method);
  if (!config.prior.empty()) {
    model::apply_method(plan.spec, "prior:" + config.prior);
    config.prior.clear();  // it stands among the methods from here on
  }
  config.method = plan.spec.methods.empty() ? std::vector<std::string>{"none"} : plan.spec.methods;
  resolve(config, plan.data, plan.spec);
  if (config.from) check_from(config, plan.spec, plan.warnings);
  plan.replicas = make_replicas(config, plan.data);
  plan.options = config;
  plan.config = std::move(config);
  for (std::string& warning : find_warnings(plan)) plan.warnings.push_back(std::move(warning));
  return plan;
}

}  // namespace scalemix::inline v0::run
