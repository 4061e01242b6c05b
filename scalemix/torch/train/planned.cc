#include "scalemix/torch/train/planned.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/loss.h"
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
  const std::size_t slots = program_.rows();
  float* memory = memory_.data() + lane * program_.memory();
  batches_.fill(r, input.first, input.count, memory, labels_.data() + lane * slots,
                targets_.data() + lane * slots);
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
  output_.norm[r] = fused_ ? update_fused(input, r) : update(input, r);
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

double PlannedStep::update_fused(const StepInput& input, std::size_t r) {
  const auto step = static_cast<std::uint64_t>(input.step + 1);
  float* first = optimiser_.first.data_ptr<float>() + r * parameters_;
  float* second = optimiser_.second.data_ptr<float>() + r * parameters_;
  const optim::Rate& rate = (*input.rates)[r];
  double squares = 0;
  for (const step::Posterior& p : program_.posteriors()) {
    const kernel::AdamPart w{values(r) + p.w, first + p.w, second + p.w};
    const kernel::AdamPart log_sigma2{values(r) + p.log_sigma2, first + p.log_sigma2,
                                      second + p.log_sigma2};
    squares += kernel::svdo_adam(rate.adam(true), rate.adam(false), step, p.count,
                                 gradients(r) + p.w, gradients(r) + p.log_sigma2,
                                 (*input.penalty_weight)[r], w, log_sigma2, sigma2(r) + p.sigma2);
  }
  for (const optim::Part& part : rest_) {
    squares += kernel::sum_squares(static_cast<std::size_t>(part.to - part.from),
                                   gradients(r) + part.from);
    optimiser_.update(network_.storage(), static_cast<std::int64_t>(r), part, rate,
                      static_cast<std::int64_t>(step), 1);
  }
  return std::sqrt(squares);
}

}  // namespace scalemix::inline v0::train
