#include "scalemix/torch/train/stack.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>

#include "scalemix/base/error.h"
#include "scalemix/torch/nn/weights.h"
#include "scalemix/torch/train/loss.h"
#include "scalemix/torch/train/schedule.h"

namespace scalemix::inline v0::train {
namespace {

constexpr std::size_t kValidationRows = 1000;  // at a time
constexpr double kRanAway = 1e6;               // times the first step's nll, or nats

PerReplica to_vector(const torch::Tensor& t) {
  const torch::Tensor d = t.detach().to(torch::kFloat64).contiguous();
  return {d.data_ptr<double>(), d.data_ptr<double>() + d.numel()};
}

/// The given precision in standardised units, log; undefined if it is to be learned.
torch::Tensor parse_precision(const run::TrainConfig& config,
                              const std::vector<const Replica*>& replicas) {
  if (config.precision == "learned") return {};
  const std::string& text = config.precision;
  double tau = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), tau);
  if (error != std::errc{} || end != text.data() + text.size() || !(tau > 0)) {
    throw ConfigError(
        fmt::format("precision must be learned or a positive number, got '{}'", text));
  }
  torch::Tensor lp = torch::empty({static_cast<std::int64_t>(replicas.size()), 1});
  for (std::size_t r = 0; r < replicas.size(); ++r) {
    const double scale = replicas[r]->standardisation.target_scale;
    lp[static_cast<std::int64_t>(r)] = std::log(tau * scale * scale);
  }
  return lp;
}

}  // namespace

Stack::Stack(const Plan& plan, std::vector<std::size_t> members)
    : plan_(plan),
      members_(std::move(members)),
      batches_(plan.data, replicas_of(plan)),
      network_(plan.spec, seeds_of(plan), plan.config.init),
      optimiser_(plan.config, network_.storage()) {
  const std::size_t n = members_.size();
  const double none = std::numeric_limits<double>::infinity();
  for (const Replica* replica : replicas_of(plan)) settings_.push_back(replica->settings);
  rates_.resize(n);
  penalty_weight_.resize(n);
  state.nll_sum.assign(n, 0);
  state.penalty.assign(n, 0);
  state.first_nll.assign(n, none);
  state.best_score.assign(n, none);
  state.best_epoch.assign(n, 0);
  state.active.assign(n, true);
  if (plan.spec.task == Task::regression) {
    given_precision_ = parse_precision(plan.config, replicas_of(plan));
    if (given_precision_.defined()) {
      const torch::NoGradGuard no_grad;
      network_.storage().view("output.log_precision").copy_(given_precision_);
    }
  }
  std::vector<float> precision;
  if (given_precision_.defined()) {
    precision.assign(given_precision_.data_ptr<float>(), given_precision_.data_ptr<float>() + n);
  }
  planned_ = PlannedStep::make(plan, batches_, network_, optimiser_, std::move(precision));
}

std::vector<const Replica*> Stack::replicas_of(const Plan& plan) const {
  std::vector<const Replica*> replicas;
  for (const std::size_t m : members_) replicas.push_back(&plan.replicas[m]);
  return replicas;
}

std::vector<std::uint64_t> Stack::seeds_of(const Plan& plan) const {
  std::vector<std::uint64_t> seeds;
  for (const std::size_t m : members_) seeds.push_back(plan.replicas[m].seed);
  return seeds;
}

torch::Tensor Stack::log_precision() const {
  return given_precision_.defined() ? given_precision_ : network_.log_precision();
}

torch::Tensor Stack::objective(const Batch& batch) {
  nn::Pass pass{
      .seed = network_.seeds(), .purpose = Purpose::train, .draw = state.step, .penalties = {}};
  const torch::Tensor out = network_.forward(batch.x, pass);
  const bool regression = plan_.spec.task == Task::regression;
  const torch::Tensor nll = regression ? gaussian_nll(out, batch.target, log_precision())
                                       : categorical_nll(out, batch.target);
  record(to_vector(nll), static_cast<std::size_t>(batch.rows()));
  torch::Tensor objective = nll.to(torch::kFloat64);
  if (!pass.penalties.empty()) {
    torch::Tensor penalty = torch::zeros_like(objective);
    for (const nn::Penalty& p : pass.penalties) penalty = penalty + p.value;
    state.penalty = to_vector(penalty);
    objective = objective + penalty * torch::tensor(penalty_weight_, torch::kFloat64);
  }
  return objective.sum();
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
  const double factor = lr_factor(plan_.config, epoch);
  const double weight = penalty_weight(plan_.config, state.epoch) / static_cast<double>(rows());
  for (std::size_t r = 0; r < replicas(); ++r) {
    rates_[r] = {.lr = settings_[r].lr * factor, .decay = settings_[r].weight_decay};
    penalty_weight_[r] = settings_[r].penalty * weight;
  }
}

PerReplica Stack::step_with_tape(std::size_t count) {
  network_.storage().differentiate(objective(batches_.train(state.epoch, state.row, count)));
  return optimiser_.update(network_.storage(), rates_, state.step + 1, state.active);
}

PerReplica Stack::step_planned(std::size_t count) {
  const bool last = state.row + count == rows();
  const StepOutput& out = planned_->run({.step = state.step,
                                         .epoch = state.epoch,
                                         .first = state.row,
                                         .count = count,
                                         .rates = &rates_,
                                         .penalty_weight = &penalty_weight_,
                                         .wants_penalty = last,
                                         .active = &state.active});
  record(out.nll, count);
  if (last) state.penalty = out.penalty;
  return out.norm;
}

void Stack::step() {
  const auto batch = static_cast<std::size_t>(plan_.config.batch);
  const std::size_t count = std::min(batch, rows() - state.row);
  const double epoch = static_cast<double>(state.epoch) +
                       static_cast<double>(state.row) / static_cast<double>(rows());
  set_rates(epoch);
  const PerReplica norms = planned_ ? step_planned(count) : step_with_tape(count);
  for (std::size_t r = 0; r < norms.size(); ++r) {
    if (!std::isfinite(norms[r])) {
      throw Diverged(fmt::format("epoch {}, step {}: the gradient of replica {} is not finite",
                                 state.epoch + 1, state.step + 1, members_[r]));
    }
  }
  state.row += count;
  ++state.step;
}

std::string Stack::path() const { return planned_ ? planned_->path() : "tape"; }

bool Stack::sparse() const { return planned_ && planned_->sparse(); }

void Stack::values_changed() {
  if (planned_) planned_->prepare();
}

Scores Stack::validate() {
  const torch::NoGradGuard no_grad;
  nn::Pass pass{.seed = network_.seeds(), .train = false, .noisy = false, .penalties = {}};
  const bool regression = plan_.spec.task == Task::regression;
  Scores scores{PerReplica(replicas(), 0), PerReplica(replicas(), 0)};
  const std::size_t total = batches_.validation_rows();
  for (std::size_t first = 0; first < total; first += kValidationRows) {
    const Batch batch = batches_.validation(first, std::min(kValidationRows, total - first));
    const torch::Tensor out = network_.forward(batch.x, pass);
    const PerReplica nll = to_vector(regression ? gaussian_nll(out, batch.target, log_precision())
                                                : categorical_nll(out, batch.target));
    const PerReplica error =
        to_vector(regression ? (out - batch.target).square().mean({1, 2})
                             : (out.argmax(-1) != batch.target).to(torch::kFloat64).mean(-1));
    for (std::size_t r = 0; r < replicas(); ++r) {
      const double share = static_cast<double>(batch.rows()) / static_cast<double>(total);
      scores.nll[r] += nll[r] * share;
      scores.error[r] += error[r] * share;
    }
  }
  for (std::size_t r = 0; regression && r < replicas(); ++r) {
    const double scale = plan_.replicas[members_[r]].standardisation.target_scale;
    scores.error[r] = std::sqrt(scores.error[r]) * scale;
  }
  return scores;
}

void Stack::keep_best(const Scores& scores) {
  const nn::Storage& storage = network_.storage();
  if (!state.best_values.defined()) {
    state.best_values = storage.values.clone();
    state.best_buffers = storage.buffers.clone();
  }
  for (std::size_t r = 0; r < replicas(); ++r) {
    if (!state.active[r]) continue;
    const auto row = static_cast<std::int64_t>(r);
    if (scores.nll[r] < state.best_score[r]) {
      state.best_score[r] = scores.nll[r];
      state.best_epoch[r] = state.epoch;
      state.best_values[row].copy_(storage.values[row]);
      state.best_buffers[row].copy_(storage.buffers[row]);
    }
    state.active[r] = state.epoch - state.best_epoch[r] < plan_.config.patience;
  }
}

nlohmann::json Stack::end_epoch() {
  PerReplica nll = state.nll_sum;
  for (double& value : nll) value /= static_cast<double>(rows());
  const double epoch = static_cast<double>(state.epoch);
  PerReplica lr;
  for (const Settings& s : settings_) lr.push_back(s.lr * lr_factor(plan_.config, epoch));
  nlohmann::json line = {{"epoch", state.epoch + 1},
                         {"step", state.step},
                         {"replicas", members_},
                         {"nll", nll},
                         {"lr", lr}};
  if (const PerReplica zero = sparsity(); !zero.empty()) {
    line["penalty"] = state.penalty;
    line["penalty_weight"] = penalty_weight(plan_.config, state.epoch);
    line["sparsity"] = zero;
  }
  ++state.epoch;
  state.row = 0;
  std::fill(state.nll_sum.begin(), state.nll_sum.end(), 0);
  if (batches_.validation_rows() > 0) {
    const Scores scores = validate();
    line["validation_nll"] = scores.nll;
    line[plan_.spec.task == Task::regression ? "validation_rmse" : "validation_error"] =
        scores.error;
    if (plan_.config.patience > 0) keep_best(scores);
  }
  return line;
}

bool Stack::done() const {
  const bool stopped =
      std::none_of(state.active.begin(), state.active.end(), [](bool active) { return active; });
  return stopped || state.epoch >= plan_.config.epochs;
}

void Stack::restore_best() {
  if (!state.best_values.defined()) return;
  network_.storage().values.copy_(state.best_values);
  network_.storage().buffers.copy_(state.best_buffers);
  values_changed();
}

PerReplica Stack::sparsity() const {
  const torch::NoGradGuard no_grad;
  PerReplica zero(replicas(), 0);
  double weights = 0;
  model::for_each_layer(plan_.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (layer.posterior.empty()) return;
    const torch::Tensor w = network_.storage().view(layer.name + ".weight");
    const torch::Tensor ls = network_.storage().view(layer.name + ".log_sigma2");
    const PerReplica count = to_vector((nn::log_alpha(w, ls) >= layer.threshold).flatten(1).sum(1));
    for (std::size_t r = 0; r < replicas(); ++r) zero[r] += count[r];
    weights += static_cast<double>(w[0].numel());
  });
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
                       .classes = plan_.data.classes,
                       .target = plan_.data.target,
                       .features = plan_.data.features,
                       .schema = plan_.data.schema};
  out.tensors = network_.tensors(static_cast<std::int64_t>(member));
  out.about = {{"data", plan_.data.name},
               {"seed", replica.seed},
               {"replica", members_[member]},
               {"epochs", state.best_values.defined() ? state.best_epoch[member] : state.epoch},
               {"train_rows", replica.split.train.size()}};
  for (const auto& [key, value] : replica.point) out.about[key] = value;
  return out;
}

std::vector<std::vector<std::size_t>> group(const Plan& plan) {
  std::map<std::pair<std::size_t, std::size_t>, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < plan.replicas.size(); ++i) {
    const data::Split& split = plan.replicas[i].split;
    groups[{split.train.size(), split.validation.size()}].push_back(i);
  }
  std::vector<std::vector<std::size_t>> out;
  for (auto& [sizes, members] : groups) out.push_back(std::move(members));
  return out;
}

}  // namespace scalemix::inline v0::train
