#include "scalemix/train/stepper.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/loss.h"

namespace scalemix::inline v0::train {
namespace {

constexpr double kSmall = 4e6;      // multiplications of a replica's step
constexpr std::size_t kLanes = 64;  // replicas that hold memory at once

}  // namespace

Stepper::Stepper(const model::Spec& spec, Store& store, Batches& batches,
                 std::vector<std::uint64_t> seeds, std::vector<float> given_precision, double clip,
                 bool sparse_data)
    : task_(spec.task),
      store_(store),
      batches_(batches),
      seeds_(std::move(seeds)),
      given_precision_(std::move(given_precision)),
      program_(spec, store.layout,
               {.train = true, .rows = batches.most(), .sparse_data = sparse_data}),
      schedule_(program_, batches.most(), program_.instructions().size()),
      update_(store, program_, clip),
      small_(program_.work() * static_cast<double>(batches.most()) < kSmall) {
  const std::size_t replicas = store_.replicas;
  lanes_ = small_ ? std::min(replicas, kLanes) : 1;
  memory_.resize(lanes_ * schedule_.floats());
  held_.resize(lanes_);
  labels_.resize(lanes_ * schedule_.rows());
  targets_.resize(lanes_ * schedule_.rows());
  prepared_.resize(replicas * program_.prepared());
  store_.marks.assign(replicas * program_.marks(), 0);
  if (program_.sparse()) {
    ground_.resize(replicas * program_.width());
    for (std::size_t r = 0; r < replicas; ++r) batches_.ground(r, &ground_[r * program_.width()]);
  }
  output_.nll.resize(replicas);
  output_.penalty.resize(replicas);
  output_.norm.resize(replicas);
  if (task_ == Task::regression) log_precision_ = store_.layout.at("output.log_precision").offset;
  prepare();
}

std::string Stepper::path() const {
  std::string path = small_ ? "one thread per replica" : "all threads per replica";
  if (program_.sparse()) path += ", sparse data";
  if (program_.sparse_gradients()) path += ", sparse gradients";
  return path;
}

engine::Frame Stepper::frame(std::size_t r) {
  return {.mode = engine::Mode::train,
          .seed = seeds_[r],
          .values = store_.values_of(r),
          .gradients = store_.gradients_of(r),
          .state = store_.state_of(r),
          .base = program_.sparse() ? &ground_[r * program_.width()] : nullptr,
          .prepared = prepared_.data() + r * program_.prepared(),
          .marks = store_.marks.data() + r * program_.marks()};
}

void Stepper::prepare() {
  for (std::size_t r = 0; r < store_.replicas; ++r) program_.prepare(frame(r));
}

const StepOutput& Stepper::run(const StepInput& input) {
  batches_.begin(input.epoch);
  if (!small_) {
    for (std::size_t r = 0; r < store_.replicas; ++r) run_replica(input, r, 0);
    return output_;
  }
  parallel_tiles(lanes_, [&](std::size_t lane) {
    const SerialScope alone;
    for (std::size_t r = lane; r < store_.replicas; r += lanes_) run_replica(input, r, lane);
  });
  return output_;
}

void Stepper::run_replica(const StepInput& input, std::size_t r, std::size_t lane) {
  const BatchKey batch{r, input.epoch, input.first, input.count};
  if (held_[lane] != batch) gather(batch, 0, batch.count);
  held_[lane] = batch;
  const bool active = (*input.active)[r];
  engine::Frame f = frame(r);
  f.rows = input.count;
  f.draw = static_cast<std::uint32_t>(input.step);
  f.writes_state = active;
  f.progress = input.progress;
  const auto rows = static_cast<double>(input.count),
             all = static_cast<double>(batches_.train_rows());
  f.penalty_weight = (*input.penalty_weight)[r] * all / rows;
  const double of_data =
      program_.forward(f, schedule_, memory(lane), 0, program_.instructions().size());
  output_.nll[r] = loss(r, lane, input.count);
  output_.norm[r] = 0;
  if (input.wants_penalty) output_.penalty[r] = penalty(f) + of_data * all / rows;
  if (!active || !std::isfinite(output_.nll[r])) return;
  const Update::Input update{.replica = r,
                             .step = static_cast<std::uint64_t>(input.step + 1),
                             .rate = (*input.rates)[r],
                             .penalty_weight = (*input.penalty_weight)[r],
                             .frame = f,
                             .schedule = &schedule_,
                             .memory = memory(lane)};
  update_.clear(update);
  program_.backward(f, schedule_, memory(lane));
  const BatchKey next = after(batch);
  const std::size_t numbers = update_.numbers();
  const auto row = [&](std::size_t number) { return number * next.count / numbers; };
  output_.norm[r] = update_.run(
      update, [&](std::size_t first, std::size_t last) { gather(next, row(first), row(last)); });
  if (numbers > 0) held_[lane] = next;
}

Stepper::BatchKey Stepper::after(BatchKey batch) const {
  batch.replica += lanes_;
  if (batch.replica < store_.replicas) return batch;
  batch.replica %= lanes_;
  batch.first += batch.count;
  batch.count = batch.first < batches_.train_rows() ? batches_.count(batch.first) : 0;
  return batch;
}

void Stepper::gather(const BatchKey& batch, std::size_t first, std::size_t last) {
  if (first == last) return;
  const std::size_t lane = batch.replica % lanes_, row = lane * schedule_.rows() + first;
  batches_.train(batch.replica, batch.first + first, last - first,
                 schedule_.input(memory(lane)) + first * program_.width(), labels_.data() + row,
                 targets_.data() + row);
}

double Stepper::loss(std::size_t r, std::size_t lane, std::size_t rows) {
  const std::size_t slots = schedule_.rows(), width = program_.outputs();
  const float* outputs = schedule_.output(memory(lane));
  float* doutputs = schedule_.output_gradient(memory(lane));
  if (task_ == Task::classification) {
    return kernel::categorical_nll(rows, width, outputs, labels_.data() + lane * slots, doutputs);
  }
  float* learned = store_.gradients_of(r) + log_precision_;
  if (given_precision_.empty()) {
    return kernel::gaussian_nll(rows, width, outputs, targets_.data() + lane * slots,
                                store_.values_of(r) + log_precision_, doutputs, learned);
  }
  std::fill_n(learned, width, 0.0f);
  return kernel::gaussian_nll(rows, width, outputs, targets_.data() + lane * slots,
                              &given_precision_[r], doutputs, nullptr);
}

double Stepper::penalty(const engine::Frame& frame) const {
  double sum = 0;
  for (const auto& noise : program_.noises()) {
    if (noise->kind().penalty) sum += noise->kind().penalty(noise->at(frame));
  }
  return sum;
}

}  // namespace scalemix::inline v0::train
