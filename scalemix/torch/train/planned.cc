#include "scalemix/torch/train/planned.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/loss.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"

namespace scalemix::inline v0::train {
namespace {

constexpr double kSmall = 4e6;      // multiplications of a replica's step
constexpr std::size_t kLanes = 64;  // replicas that hold memory at once
constexpr double kSparse = 0.75;    // share of zeros from which they are left out

}  // namespace

std::unique_ptr<PlannedStep> PlannedStep::make(const Plan& plan, Batches& batches,
                                               nn::Network& network, optim::Optimiser& optimiser,
                                               std::vector<float> given_precision) {
  const auto offset = [&](const std::string& name) {
    for (const nn::Slot& slot : network.storage().slots()) {
      if (slot.name == name) return static_cast<std::size_t>(slot.offset);
    }
    throw std::logic_error("planned step: no slot named " + name);
  };
  const std::size_t rows =
      std::min(static_cast<std::size_t>(plan.config.batch), batches.train_rows());
  const bool sparse = data::share_of_zeros(plan.data) >= kSparse;
  std::optional<step::Program> program = step::Program::make(plan.spec, offset, rows, sparse);
  if (!program) return nullptr;
  return std::unique_ptr<PlannedStep>(new PlannedStep(
      plan, batches, network, optimiser, std::move(given_precision), std::move(*program)));
}

PlannedStep::PlannedStep(const Plan& plan, Batches& batches, nn::Network& network,
                         optim::Optimiser& optimiser, std::vector<float> given_precision,
                         step::Program program)
    : plan_(plan),
      batches_(batches),
      network_(network),
      optimiser_(optimiser),
      given_precision_(std::move(given_precision)),
      program_(std::move(program)),
      replicas_(static_cast<std::size_t>(network.storage().replicas())),
      parameters_(static_cast<std::size_t>(network.storage().values.size(1))),
      small_(program_.work() < kSmall),
      fused_(plan.config.optimiser == "adam" && plan.config.clip == 0) {
  lanes_ = small_ ? std::min(replicas_, kLanes) : 1;
  memory_.resize(lanes_ * program_.memory());
  held_.resize(lanes_);
  labels_.resize(lanes_ * program_.rows());
  targets_.resize(lanes_ * program_.rows());
  sigma2_.resize(replicas_ * program_.variances());
  if (program_.sparse()) {
    ground_.resize(replicas_ * program_.width());
    for (std::size_t r = 0; r < replicas_; ++r) batches_.ground(r, &ground_[r * program_.width()]);
  }
  output_.nll.resize(replicas_);
  output_.penalty.resize(replicas_);
  output_.norm.resize(replicas_);
  for (const nn::Slot& slot : network.storage().slots()) {
    if (slot.name == "output.log_precision") log_precision_ = static_cast<std::size_t>(slot.offset);
  }
  find_rest();
  prepare();
}

std::string PlannedStep::path() const {
  std::string path = small_ ? "planned, a thread a replica" : "planned, all threads a replica";
  if (program_.sparse()) path += ", sparse data";
  if (program_.sparse_gradients()) path += ", sparse gradients";
  return path;
}

void PlannedStep::find_rest() {
  std::vector<std::pair<std::int64_t, std::int64_t>> owned;
  for (const step::Posterior& p : program_.posteriors()) {
    for (const std::size_t at : {p.w, p.log_sigma2}) owned.emplace_back(at, at + p.count);
  }
  std::sort(owned.begin(), owned.end());
  const auto n = static_cast<std::int64_t>(parameters_), split = network_.storage().decaying();
  owned.emplace_back(n, n);
  std::int64_t from = 0;
  for (const auto& [begin, end] : owned) {
    if (from < std::min(begin, split)) rest_.push_back({from, std::min(begin, split), true});
    if (std::max(from, split) < begin) rest_.push_back({std::max(from, split), begin, false});
    from = end;
  }
  for (const step::Posterior& p : program_.posteriors()) updated_ += p.count;
  for (const optim::Part& part : rest_) updated_ += static_cast<std::size_t>(part.to - part.from);
}

void PlannedStep::prepare() {
  for (std::size_t r = 0; r < replicas_; ++r) prepare(r);
}

void PlannedStep::prepare(std::size_t r) {
  for (const step::Posterior& p : program_.posteriors()) {
    kernel::svdo_variance(p.count, values(r) + p.log_sigma2, sigma2(r) + p.sigma2);
  }
}

const StepOutput& PlannedStep::run(const StepInput& input) {
  batches_.begin(input.epoch);
  if (!small_) {
    for (std::size_t r = 0; r < replicas_; ++r) run_replica(input, r, 0);
    return output_;
  }
  parallel_tiles(lanes_, [&](std::size_t lane) {
    const SerialScope alone;
    for (std::size_t r = lane; r < replicas_; r += lanes_) run_replica(input, r, lane);
  });
  return output_;
}

void PlannedStep::run_replica(const StepInput& input, std::size_t r, std::size_t lane) {
  float* memory = memory_.data() + lane * program_.memory();
  const BatchKey batch{r, input.epoch, input.first, input.count};
  if (held_[lane] != batch) gather(batch, 0, batch.count);
  held_[lane] = batch;
  const step::Frame frame{
      .rows = input.count,
      .seed = static_cast<std::uint64_t>(network_.seeds().data_ptr<std::int64_t>()[r]),
      .draw = static_cast<std::uint32_t>(input.step),
      .values = values(r),
      .gradients = gradients(r),
      .base = program_.sparse() ? &ground_[r * program_.width()] : nullptr,
      .sigma2 = sigma2(r)};
  float* outputs = program_.forward(frame, memory);
  output_.nll[r] = loss(r, lane, input.count, outputs, program_.output_gradient(memory));
  output_.norm[r] = 0;
  if (input.wants_penalty) output_.penalty[r] = penalty(r);
  if (!(*input.active)[r] || !std::isfinite(output_.nll[r])) return;
  program_.backward(frame, memory);
  output_.norm[r] = fused_ ? update_fused(input, batch) : update(input, r);
}

PlannedStep::BatchKey PlannedStep::after(BatchKey batch) const {
  batch.replica += lanes_;
  if (batch.replica < replicas_) return batch;
  batch.replica %= lanes_;
  batch.first += batch.count;
  batch.count = std::min(program_.rows(), batches_.train_rows() - batch.first);
  return batch;
}

void PlannedStep::gather(const BatchKey& batch, std::size_t first, std::size_t last) {
  if (first == last) return;
  const std::size_t lane = batch.replica % lanes_, row = lane * program_.rows() + first;
  batches_.fill(batch.replica, batch.first + first, last - first,
                memory_.data() + lane * program_.memory() + first * program_.width(),
                labels_.data() + row, targets_.data() + row);
}

double PlannedStep::loss(std::size_t r, std::size_t lane, std::size_t rows, float* outputs,
                         float* doutputs) {
  const std::size_t slots = program_.rows(), width = program_.outputs();
  if (plan_.spec.task == Task::classification) {
    return kernel::categorical_nll(rows, width, outputs, labels_.data() + lane * slots, doutputs);
  }
  float* learned = gradients(r) + log_precision_;
  if (given_precision_.empty()) {
    return kernel::gaussian_nll(rows, width, outputs, targets_.data() + lane * slots,
                                values(r) + log_precision_, doutputs, learned);
  }
  std::fill_n(learned, width, 0.0f);
  return kernel::gaussian_nll(rows, width, outputs, targets_.data() + lane * slots,
                              &given_precision_[r], doutputs, nullptr);
}

double PlannedStep::penalty(std::size_t r) const {
  double sum = 0;
  for (const step::Posterior& p : program_.posteriors()) {
    sum += kernel::svdo_penalty(p.count, values(r) + p.w, values(r) + p.log_sigma2);
  }
  return sum;
}

double PlannedStep::update(const StepInput& input, std::size_t r) {
  for (const step::Posterior& p : program_.posteriors()) {
    float* dls = gradients(r) + p.log_sigma2;
    kernel::svdo_gradient(p.count, values(r) + p.w, values(r) + p.log_sigma2, sigma2(r) + p.sigma2,
                          dls, (*input.penalty_weight)[r], gradients(r) + p.w, dls);
  }
  const double norm = optimiser_.update(network_.storage(), static_cast<std::int64_t>(r),
                                        (*input.rates)[r], input.step + 1);
  prepare(r);
  return norm;
}

double PlannedStep::update_fused(const StepInput& input, const BatchKey& batch) {
  const BatchKey next = after(batch);
  const auto row = [&](std::size_t number) { return number * next.count / updated_; };
  const double squares = kernel::sum_tiles(updated_, [&](std::size_t first, std::size_t count) {
    const std::size_t last = first + count;
    gather(next, row(first), row(last));
    return update_numbers(input, batch.replica, first, last);
  });
  if (updated_ > 0) held_[batch.replica % lanes_] = next;
  return std::sqrt(squares);
}

double PlannedStep::update_numbers(const StepInput& input, std::size_t r, std::size_t first,
                                   std::size_t last) {
  const optim::Rate& rate = (*input.rates)[r];
  const auto adam_part = [&](std::size_t at) {
    const std::size_t i = r * parameters_ + at;
    return kernel::AdamPart{values(r) + at, optimiser_.first.data_ptr<float>() + i,
                            optimiser_.second.data_ptr<float>() + i};
  };
  std::size_t begin = 0;  // of a part
  const auto piece_of = [&](std::size_t n) {
    const std::size_t from = std::clamp(first, begin, begin + n) - begin,
                      to = std::clamp(last, begin, begin + n) - begin;
    begin += n;
    return std::pair{from, to - from};
  };
  double squares = 0;
  for (const step::Posterior& p : program_.posteriors()) {
    const auto [from, count] = piece_of(p.count);
    if (count == 0) continue;
    const std::size_t w = p.w + from, log_sigma2 = p.log_sigma2 + from;
    squares += kernel::svdo_adam(
        rate.adam(true), rate.adam(false), static_cast<std::uint64_t>(input.step + 1), count,
        gradients(r) + w, gradients(r) + log_sigma2, (*input.penalty_weight)[r], adam_part(w),
        adam_part(log_sigma2), sigma2(r) + p.sigma2 + from);
  }
  for (const optim::Part& part : rest_) {
    const auto [from, count] = piece_of(static_cast<std::size_t>(part.to - part.from));
    if (count == 0) continue;
    const std::int64_t at = part.from + static_cast<std::int64_t>(from);
    squares += kernel::sum_squares(count, gradients(r) + at);
    optimiser_.update(network_.storage(), static_cast<std::int64_t>(r),
                      {at, at + static_cast<std::int64_t>(count), part.decays}, rate,
                      input.step + 1, 1);
  }
  return squares;
}

}  // namespace scalemix::inline v0::train
