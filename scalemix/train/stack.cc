#include "scalemix/train/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "scalemix/base/error.h"
#include "scalemix/base/number_text.h"
#include "scalemix/base/word.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/train/initialise.h"
#include "scalemix/train/judge.h"
#include "scalemix/train/length_scale.h"
#include "scalemix/train/objective.h"
#include "scalemix/train/stepper.h"

namespace scalemix::inline v0::train {
namespace {

constexpr double kRanAway = 1e6;  // times the first step's nll, or nats
constexpr double kSparse = 0.75;  // share of zeros from which they are left out

std::vector<const Replica*> replicas_of(const Plan& plan, const std::vector<std::size_t>& members) {
  std::vector<const Replica*> out;
  for (const std::size_t m : members) out.push_back(&plan.replicas[m]);
  return out;
}

/// Rows that a batch must have: two where statistics of the batch are taken.
std::size_t least_rows(const model::Spec& spec) {
  bool normalised = false;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    normalised |= model::layer_kind(layer.type).of_batch;
  });
  return normalised ? 2 : 1;
}

/// The given precision of the members in standardised units, log; empty if it is to be learned.
std::vector<float> parse_precision(const Plan& plan, const std::vector<std::size_t>& members) {
  const std::string& text = plan.options.precision;
  if (text == "learned") return {};
  const auto [name, rest] = split_word(text);
  const bool standardised = name == "standardised";
  const std::vector<std::string_view> given = split(standardised ? rest : text, ',');
  if (given.size() > 1 && given.size() != plan.replicas.size()) {
    throw ConfigError(
        fmt::format("precision must be one number, or one for each of {} replicas, got {}",
                    plan.replicas.size(), given.size()));
  }
  std::vector<float> out;
  for (const std::size_t r : members) {
    const std::string_view one = given.size() > 1 ? given[r] : given.empty() ? text : given[0];
    const std::optional<double> tau = read_number(one);
    if (!tau || !(*tau > 0) || !std::isfinite(*tau)) {
      throw ConfigError(fmt::format(
          "precision must be learned, tuned, positive numbers or standardised:TAU, got '{}'",
          text));
    }
    const double scale = standardised ? 1 : plan.replicas[r].standardisation.target_scale;
    out.push_back(static_cast<float>(std::log(*tau * scale * scale)));
  }
  return out;
}

}  // namespace

Stack::Stack(const data::Dataset& data, const Plan& plan, std::vector<std::size_t> members)
    : data_(data),
      plan_(plan),
      members_(std::move(members)),
      schedule_(plan.options.schedule),
      store_(plan.spec, plan.options.optimiser, members_.size()),
      mask_(plan.options.prune, plan.spec, store_) {
  const std::vector<const Replica*> replicas = replicas_of(plan, members_);
  const std::size_t n = replicas.size();
  if (Objective(plan.options.objective).row().soft == data.soft.empty()) {
    throw ConfigError(data.soft.empty()
                          ? "objective distil needs a teacher"
                          : "data with a teacher's answers needs the objective distil");
  }
  const double none = std::numeric_limits<double>::infinity();
  batches_ = std::make_unique<Batches>(data, replicas, static_cast<std::size_t>(plan.options.batch),
                                       least_rows(plan.spec), data::Augment(plan.options.augment));
  std::vector<std::uint64_t> seeds;
  for (std::size_t r = 0; r < n; ++r) {
    seeds.push_back(replicas[r]->seed);
    initialise(plan.spec, plan.options.init, seeds[r], store_.layout, store_.values_of(r),
               store_.state_of(r));
    if (plan.options.from) {
      store_.layout.take(*plan.options.from, store_.values_of(r), store_.state_of(r));
    }
  }
  for (const Replica* replica : replicas) {
    length_decay_.push_back(plan.options.length_scale == 0
                                ? 0
                                : length_scale_decay(plan.spec, plan.options.length_scale,
                                                     replica->standardisation.target_scale,
                                                     replica->split.train.size()));
  }
  rates_.resize(n);
  penalty_weight_.resize(n);
  state.nll_sum.assign(n, 0);
  state.penalty.assign(n, 0);
  state.first_nll.assign(n, none);
  state.best_score.assign(n, none);
  state.best_epoch.assign(n, 0);
  state.active.assign(n, true);
  std::int64_t steps = 0;  // of an epoch
  for (std::size_t row = 0; row < rows(); row += batches_->count(row)) ++steps;
  spread_ =
      std::make_unique<Spread>(plan.options.spread, steps * plan.options.epochs, plan.spec, store_);
  state.spread = spread_->start(n);
  if (plan.options.average > 0) state.average.assign(store_.values.size(), 0);
  if (plan.spec.task == Task::regression) {
    given_precision_ = parse_precision(plan, members_);
    const engine::Slot& slot = store_.layout.at("output.log_precision");
    for (std::size_t r = 0; r < given_precision_.size(); ++r) {
      std::fill_n(store_.values_of(r) + slot.offset, slot.count, given_precision_[r]);
    }
  }
  stepper_ =
      std::make_unique<Stepper>(plan.spec, store_, *batches_, std::move(seeds), given_precision_,
                                plan.options, data::share_of_zeros(data) >= kSparse, &mask_);
  mask_.start(store_, 0);
}

Stack::~Stack() = default;

std::size_t Stack::rows() const { return batches_->train_rows(); }
bool Stack::epoch_done() const { return state.row >= rows(); }
std::string Stack::path() const { return stepper_->path(); }
bool Stack::sparse() const { return stepper_->sparse(); }
void Stack::values_changed() {
  mask_.start(store_, progress(0));
  stepper_->prepare();
}

double Stack::progress(std::size_t more) const {
  const double epoch = static_cast<double>(state.epoch) +
                       static_cast<double>(state.row + more) / static_cast<double>(rows());
  return epoch / static_cast<double>(plan_.options.epochs);
}

void Stack::record(const PerReplica& nll, std::size_t rows) {
  for (std::size_t r = 0; r < nll.size(); ++r) {
    state.nll_sum[r] += nll[r] * static_cast<double>(rows);
    if (state.step == 0) state.first_nll[r] = nll[r];
    const double limit = kRanAway * std::max(1.0, std::abs(state.first_nll[r]));
    if (state.active[r] && !(std::abs(nll[r]) < limit)) {
      throw Diverged(fmt::format("epoch {}, step {}: the loss of replica {} is {}", state.epoch + 1,
                                 state.step + 1, members_[r], nll[r]));
    }
  }
}

void Stack::set_rates(double epoch) {
  const FitOptions& o = plan_.options;
  const double factor = lr_factor(o, schedule_, epoch);
  const double weight = penalty_weight(o, state.epoch) / static_cast<double>(rows());
  for (std::size_t r = 0; r < replicas(); ++r) {
    const Settings& s = plan_.replicas[members_[r]].settings;
    rates_[r] = {
        .lr = s.lr * factor, .decay = s.weight_decay + length_decay_[r], .own = store_.own};
    penalty_weight_[r] = s.penalty * weight;
  }
}

void Stack::step() {
  const std::size_t count = batches_->count(state.row);
  const double epoch = static_cast<double>(state.epoch) +
                       static_cast<double>(state.row) / static_cast<double>(rows());
  set_rates(epoch);
  const bool last = state.row + count == rows();
  const StepOutput& out = stepper_->run({.step = state.step,
                                         .epoch = state.epoch,
                                         .first = state.row,
                                         .count = count,
                                         .progress = progress(0),
                                         .rates = &rates_,
                                         .penalty_weight = &penalty_weight_,
                                         .wants_penalty = last,
                                         .active = &state.active});
  record(out.nll, count);
  if (last) state.penalty = out.penalty;
  for (std::size_t r = 0; r < out.norm.size(); ++r) {
    if (!std::isfinite(out.norm[r])) {
      throw Diverged(fmt::format("epoch {}, step {}: the gradient of replica {} is not finite",
                                 state.epoch + 1, state.step + 1, members_[r]));
    }
  }
  mask_.follow(store_, state.step + 1, progress(count));
  follow_average();
  spread_->follow(store_, state.step + 1, state.active, state.spread);
  state.row += count;
  ++state.step;
}

Scores Stack::validate() {
  if (!judge_) judge_ = std::make_unique<Judge>(plan_.spec, store_, *batches_);
  Scores scores;
  for (std::size_t r = 0; r < replicas(); ++r) {
    const Judge::Score score =
        judge_->score(r, given_precision_.empty() ? nullptr : &given_precision_[r]);
    scores.nll.push_back(score.nll);
    scores.error.push_back(score.error);
    if (plan_.spec.task == Task::regression) {
      const double scale = plan_.replicas[members_[r]].standardisation.target_scale;
      scores.error.back() = std::sqrt(score.error) * scale;
    }
  }
  return scores;
}

void Stack::keep_best(const Scores& scores) {
  if (state.best_values.empty()) {
    state.best_values = store_.values;
    state.best_state = store_.state;
  }
  const std::size_t p = store_.layout.values(), q = store_.layout.state();
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (!state.active[r]) continue;
    if (scores.nll[r] < state.best_score[r]) {
      state.best_score[r] = scores.nll[r];
      state.best_epoch[r] = state.epoch;
      std::copy_n(store_.values_of(r), p, state.best_values.data() + r * p);
      std::copy_n(store_.state_of(r), q, state.best_state.data() + r * q);
    }
    state.active[r] = state.epoch - state.best_epoch[r] < plan_.options.patience;
  }
}

EpochReport Stack::end_epoch() {
  EpochReport report{.replicas = members_, .nll = state.nll_sum};
  for (double& value : report.nll) value /= static_cast<double>(rows());
  const double factor = lr_factor(plan_.options, static_cast<double>(state.epoch));
  for (const std::size_t m : members_) {
    report.lr.push_back(plan_.replicas[m].settings.lr * factor);
  }
  bool penalised = false;
  for (const auto& noise : stepper_->program().noises()) {
    penalised |= noise->kind().penalty != nullptr;
  }
  if (penalised) {
    report.penalty = state.penalty;
    report.penalty_weight = penalty_weight(plan_.options, state.epoch);
  }
  report.sparsity = sparsity();
  if (learns_precision()) report.precision_gap = precision_gap(report.nll);
  report.epoch = ++state.epoch;
  report.step = state.step;
  state.row = 0;
  std::fill(state.nll_sum.begin(), state.nll_sum.end(), 0);
  if (batches_->validation_rows() > 0) {
    report.validation = judge_epoch();
  }
  return report;
}

/// nll = (r - log precision + log 2 pi) / 2, r the squared error in variances of the noise, which is 1
/// at the best precision.
PerReplica Stack::precision_gap(const PerReplica& nll) const {
  PerReplica gap;
  const std::size_t at = store_.layout.at("output.log_precision").offset;
  for (std::size_t r = 0; r < replicas(); ++r) {
    const double fit = 2 * nll[r] + store_.values_of(r)[at] - std::log(2 * std::numbers::pi);
    gap.push_back(fit > 0 ? (fit - 1 - std::log(fit)) / 2
                          : std::numeric_limits<double>::infinity());
  }
  return gap;
}

bool Stack::done() const {
  const bool stopped =
      std::none_of(state.active.begin(), state.active.end(), [](bool active) { return active; });
  return stopped || state.epoch >= plan_.options.epochs;
}

void Stack::settle() {
  if (state.best_values.empty() && state.average.empty()) return;
  if (state.best_values.empty()) {
    store_.values = state.average;
    mask_.hold(store_);  // a mean of zeros and of what was there before is not zero
  } else {
    store_.values = state.best_values;
    store_.state = state.best_state;
  }
  values_changed();
}

/// With a decay of t / (t + 9) in step t = 0, 1, ... at first, so that the start is forgotten.
void Stack::follow_average() {
  if (state.average.empty()) return;
  const double t = static_cast<double>(state.step);
  const auto keep = static_cast<float>(std::min(plan_.options.average, t / (t + 9)));
  const std::size_t p = store_.layout.values();
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (!state.active[r]) continue;
    const float* w = store_.values_of(r);
    float* mean = state.average.data() + r * p;
    kernel::for_tiles(p, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) mean[i] = keep * mean[i] + (1 - keep) * w[i];
    });
  }
}

/// Scores of the weights that the model would get.
Scores Stack::judge_epoch() {
  if (!state.average.empty()) std::swap(store_.values, state.average);
  Scores scores = validate();
  if (plan_.options.patience > 0) keep_best(scores);
  if (!state.average.empty()) std::swap(store_.values, state.average);
  return scores;
}

PerReplica Stack::sparsity() const {
  PerReplica zero(replicas(), 0);
  double weights = 0;
  std::vector<float> out;
  for (const auto& noise : stepper_->program().noises()) {
    const auto prunes = noise->kind().prunes;
    if (!prunes || !prunes({{}, {}, noise->use.values})) continue;
    out.resize(noise->use.weights);
    weights += static_cast<double>(out.size());
    for (std::size_t r = 0; r < replicas(); ++r) {
      const engine::Frame frame{.values = store_.values_of(r),
                                .state = const_cast<float*>(store_.state_of(r))};  // read alone
      noise->kind().stand_in(noise->at(frame), out.data());
      zero[r] += static_cast<double>(std::count(out.begin(), out.end(), 0.0f));
    }
  }
  if (weights == 0) return {};
  for (double& z : zero) z /= weights;
  return zero;
}

model::Model Stack::model(std::size_t member) const {
  const Replica& replica = plan_.replicas[members_[member]];
  const data::Standardisation& s = replica.standardisation;
  model::Model out;
  out.spec = plan_.spec;
  out.preprocessing = {.mean = s.mean,
                       .scale = s.scale,
                       .target_mean = s.target_mean,
                       .target_scale = s.target_scale,
                       .classes = data_.classes,
                       .target = data_.target,
                       .features = data_.features,
                       .schema = data_.schema,
                       .origin = data_.origin,
                       .target_origin = data_.target_origin};
  out.tensors = store_.layout.tensors(store_.values_of(member), store_.state_of(member));
  out.spread = spread_->of(member, state.spread);
  nlohmann::json about = {
      {"data", data_.name},
      {"seed", replica.seed},
      {"replica", members_[member]},
      {"epochs", state.best_values.empty() ? state.epoch : state.best_epoch[member]},
      {"train_rows", replica.split.train.size()}};
  for (const auto& [key, value] : replica.point) about[key] = value;
  out.about = about.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return out;
}

}  // namespace scalemix::inline v0::train
