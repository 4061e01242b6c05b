#include "scalemix/train/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/data/augment.h"
#include "scalemix/model/initial_weights.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/optim/rule.h"
#include "scalemix/train/length_scale.h"
#include "scalemix/train/mask.h"
#include "scalemix/train/objective.h"

namespace scalemix::inline v0::train {
namespace {

constexpr int kMostSamples = 1000;
constexpr double kTableSteps = 12000, kLeastEpochs = 100, kMostEpochs = 4000;

bool any_layer(const model::Spec& spec, bool (*holds)(const model::Layer&)) {
  bool found = false;
  model::for_each_layer(
      spec, [&](const model::Layer& layer, const model::Shape&) { found |= holds(layer); });
  return found;
}

/// Weights under a posterior: their penalty wants a warm-up.
bool has_posterior(const model::Layer& layer) {
  const model::Noise* noise = model::drawn_noise(layer);
  return noise && model::noise_place(*noise, layer, true) == model::Where::moments;
}

bool drawn_once(const model::Layer& layer) {
  const model::Noise* noise = model::drawn_noise(layer);
  return noise && model::noise_place(*noise, layer, true) == model::Where::weights;
}

bool convolutional(const model::Layer& layer) {
  return model::has_weights(layer) && model::layer_kind(layer.type).windows;
}

/// A table's default: so many that there are about kTableSteps steps.
int epochs_of_table(std::size_t rows, int batch) {
  const double per_epoch = std::ceil(static_cast<double>(rows) / batch);
  return static_cast<int>(
      std::clamp(std::round(kTableSteps / per_epoch), kLeastEpochs, kMostEpochs));
}

void require(bool ok, std::string_view key, std::string_view expected, const auto& got) {
  if (!ok) throw ConfigError(fmt::format("{} must be {}, got {}", key, expected, got));
}

/// A word's value out of range is a wrong config.
template <class Read>
void check_word(std::string_view key, const Read& read) {
  try {
    read();
  } catch (const std::domain_error& error) {
    throw ConfigError(fmt::format("{}: {}", key, error.what()));
  }
}

}  // namespace

void resolve(FitOptions& o, const data::Dataset& data, const model::Spec& spec) {
  const bool posterior = any_layer(spec, has_posterior);
  const bool images = data.images();
  if (o.batch == 0) o.batch = images ? 100 : 128;
  if (o.epochs == 0) {
    o.epochs = !images ? epochs_of_table(data.rows(), o.batch)
               : posterior && !any_layer(spec, convolutional) ? 40
                                                              : 30;
  }
  o.init = model::initial_weights(spec, o.init).word;
  if (!o.augment.empty() && !images) throw ConfigError("augment: only of images");
  if (o.train_samples > 1 && any_layer(spec, drawn_once)) {
    throw ConfigError(
        "train_samples must be 1 where noise multiplies weights, which are drawn once per step");
  }
  if (o.length_scale > 0) {
    if (spec.task != Task::regression) throw ConfigError("length_scale: only of a regression");
    length_scale_decay(spec, o.length_scale, 1, 1);  // refuses what has none
  }
  if (o.lr == 0) o.lr = optim::rule(o.optimiser).lr;
  if (o.schedule == "auto") o.schedule = posterior ? "linear" : "constant";
  if (o.warmup_start < 0) o.warmup_start = posterior ? std::min(5.0, o.epochs / 10.0) : 0;
  if (o.warmup < 0) o.warmup = posterior ? std::min(15.0, o.epochs / 4.0) : 0;
}

void validate(const FitOptions& o) {
  check_word("optimiser", [&] { optim::rule_values(o.optimiser); });
  check_word("schedule", [&] {
    if (o.schedule != "auto") RateSchedule{o.schedule};
  });
  const std::vector<std::string> shapes{"linear", "cubic"};
  if (std::find(shapes.begin(), shapes.end(), o.warmup_shape) == shapes.end()) {
    throw ConfigError("warmup_shape " + not_one_of(shapes, o.warmup_shape));
  }
  require(o.validation_fraction >= 0 && o.validation_fraction < 1, "validation_fraction",
          "in [0, 1)", o.validation_fraction);
  require(o.epochs >= 0, "epochs", "0 (auto) or more", o.epochs);
  require(o.batch >= 0, "batch", "0 (auto) or more", o.batch);
  require(std::isfinite(o.lr) && o.lr >= 0, "lr", "0 (auto) or more", o.lr);
  require(std::isfinite(o.lr_warmup) && o.lr_warmup >= 0, "lr_warmup", "0 (none) or more epochs",
          o.lr_warmup);
  check_word("prune", [&] { check_mask(o.prune); });
  require(o.average >= 0 && o.average < 1, "average", "in [0, 1)", o.average);
  require(o.spread >= 0 && o.spread <= 1, "spread", "in [0, 1]", o.spread);
  require(std::isfinite(o.weight_decay) && o.weight_decay >= 0, "weight_decay", "0 or more",
          o.weight_decay);
  require(std::isfinite(o.length_scale) && o.length_scale >= 0, "length_scale", "0 (none) or more",
          o.length_scale);
  require(o.length_scale == 0 || o.precision != "learned", "precision",
          "a number where length_scale is set", o.precision);
  require(std::isfinite(o.warmup_start), "warmup_start", "a number", o.warmup_start);
  require(std::isfinite(o.warmup), "warmup", "a number", o.warmup);
  require(std::isfinite(o.penalty) && o.penalty >= 0, "penalty", "0 or more", o.penalty);
  require(o.clip >= 0, "clip", "0 (off) or more", o.clip);
  bool compares = false;
  check_word("objective", [&] { compares = Objective(o.objective).row().extra; });
  require(!compares || o.train_samples > 1, "train_samples",
          "2 or more where the objective compares draws", o.train_samples);
  require(o.train_samples >= 1 && o.train_samples <= kMostSamples, "train_samples",
          "a whole number from 1 to 1000", o.train_samples);
  check_word("augment", [&] { data::Augment{o.augment}; });
  require(o.patience >= 0, "patience", "0 (off) or more", o.patience);
  require(o.patience == 0 || o.validation_fraction > 0, "validation_fraction",
          "above 0 where patience is set", o.validation_fraction);
}

double lr_factor(const FitOptions& o, double epoch) {
  return lr_factor(o, RateSchedule(o.schedule), epoch);
}

double lr_factor(const FitOptions& o, const RateSchedule& schedule, double epoch) {
  const double warm = o.lr_warmup > 0 ? std::min(1.0, epoch / o.lr_warmup) : 1;
  return warm * schedule(epoch, o.epochs);
}

double penalty_weight(const FitOptions& o, std::int64_t epoch) {
  const double since = static_cast<double>(epoch) - o.warmup_start;
  if (since < 0) return 0;
  const double share = o.warmup > 0 ? std::min(1.0, since / o.warmup) : 1;
  return o.warmup_shape == "cubic" ? share * share * share : share;
}

}  // namespace scalemix::inline v0::train
