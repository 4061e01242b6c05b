#include "scalemix/train/stepper.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/loss.h"

namespace scalemix::inline v0::train {
namespace {

constexpr double kSmall = 4e6;           // multiplications of a replica's step
constexpr std::size_t kLanes = 64;       // replicas that hold memory at once
constexpr double kFollow = 1.0 / 50;     // least share of the way to a batch's error
constexpr double kLeastVariance = 1e-8;  // of the noise, standardised: of a target without any

}  // namespace

Stepper::Stepper(const model::Spec& spec, Store& store, Batches& batches,
                 std::vector<std::uint64_t> seeds, std::vector<float> given_precision,
                 const FitOptions& options, bool sparse_data, const Mask* mask)
    : task_(spec.task),
      store_(store),
      batches_(batches),
      seeds_(std::move(seeds)),
      given_precision_(std::move(given_precision)),
      samples_(static_cast<std::size_t>(options.train_samples)),
      objective_(options.objective),
      mask_(mask && mask->active() ? mask : nullptr),
      program_(spec, store.layout,
               {.train = true,
                .rows = samples_ * batches.most(),
                .sparse_data = sparse_data,
                .held = mask_ ? mask_->layers() : std::map<std::string, std::size_t>()}),
      schedule_(program_, samples_ * batches.most(), program_.instructions().size()),
      update_(store, program_, options.clip, mask_),
      small_(program_.work() * static_cast<double>(samples_ * batches.most()) < kSmall) {
  const std::size_t replicas = store_.replicas;
  lanes_ = small_ ? std::min(replicas, kLanes) : 1;
  memory_.resize(lanes_ * schedule_.floats());
  held_.resize(lanes_);
  labels_.resize(lanes_ * schedule_.rows());
  targets_.resize(lanes_ * schedule_.rows());
  if (objective_.row().weights) weights_.resize(2 * lanes_ * schedule_.rows());
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
  if (mask_) path += ", sparse weights";
  return path;
}

engine::Frame Stepper::frame(std::size_t r) {
  return {.mode = engine::Mode::train,
          .seed = seeds_[r],
          .values = store_.values_of(r),
          .gradients = store_.gradients_of(r),
          .state = store_.state_of(r),
          .base = program_.sparse() ? &ground_[r * program_.width()] : nullptr,
          .left = mask_ ? mask_->left(r) : nullptr,
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
  f.rows = samples_ * input.count;
  if (samples_ > 1 && input.count < batches_.batch()) {
    f.group = input.count;
    f.stride = batches_.batch();
  }
  f.draw = static_cast<std::uint32_t>(input.step);
  f.writes_state = active;
  f.progress = input.progress;
  f.epoch = static_cast<double>(input.epoch);
  const auto rows = static_cast<double>(f.rows), all = static_cast<double>(batches_.train_rows());
  f.penalty_weight = (*input.penalty_weight)[r] * all / rows;
  const double of_data =
      program_.forward(f, schedule_, memory(lane), 0, program_.instructions().size());
  output_.nll[r] = loss(r, lane, f.rows);
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
  if (learns_precision()) follow_errors(r, input.step + 1);
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
  const std::size_t lane = batch.replica % lanes_, row = lane * schedule_.rows() + first,
                    width = program_.width();
  float* x = schedule_.input(memory(lane)) + first * width;
  batches_.train(batch.replica, batch.first + first, last - first, x, labels_.data() + row,
                 targets_.data() + row);
  for (std::size_t s = 1; s < samples_; ++s) {
    const std::size_t to = s * batch.count;
    std::copy_n(x, (last - first) * width, x + to * width);
    std::copy_n(&labels_[row], last - first, &labels_[row + to]);
    std::copy_n(&targets_[row], last - first, &targets_[row + to]);
  }
}

const float* Stepper::log_precision(std::size_t r) const {
  return learns_precision() ? store_.values_of(r) + log_precision_ : &given_precision_[r];
}

const float* Stepper::weights(std::size_t r, std::size_t lane, std::size_t rows) {
  if (!objective_.row().weights || samples_ == 1) return nullptr;
  const std::size_t slots = schedule_.rows(), width = program_.outputs();
  const float* outputs = schedule_.output(memory(lane));
  float *w = weights_.data() + 2 * lane * slots, *nll = w + slots;
  if (task_ == Task::classification) {
    kernel::categorical_nlls(rows, width, outputs, labels_.data() + lane * slots, nll);
  } else {
    kernel::gaussian_nlls(rows, width, outputs, targets_.data() + lane * slots, log_precision(r),
                          nll);
  }
  weigh(objective_.row(), samples_, rows / samples_, nll, w);
  return w;
}

double Stepper::loss(std::size_t r, std::size_t lane, std::size_t rows) {
  const double nll = likelihood(r, lane, rows);
  if (!objective_.row().extra || samples_ < 2) return nll;
  return nll + objective_.row().extra(objective_.own(), rows / samples_, program_.outputs(),
                                      schedule_.output(memory(lane)),
                                      task_ == Task::regression ? log_precision(r) : nullptr,
                                      schedule_.output_gradient(memory(lane)));
}

double Stepper::likelihood(std::size_t r, std::size_t lane, std::size_t rows) {
  const std::size_t slots = schedule_.rows(), width = program_.outputs();
  const float *outputs = schedule_.output(memory(lane)), *w = weights(r, lane, rows);
  float* doutputs = schedule_.output_gradient(memory(lane));
  if (task_ == Task::classification && objective_.row().soft) {
    const data::Dataset& data = batches_.data();
    return kernel::distil_nll(rows, width, outputs, labels_.data() + lane * slots,
                              data.label.data(), data.soft.data(), objective_.own()[0],
                              objective_.own()[1], doutputs);
  }
  if (task_ == Task::classification) {
    return kernel::categorical_nll(rows, width, outputs, labels_.data() + lane * slots, doutputs,
                                   w);
  }
  float* slopes = store_.gradients_of(r) + log_precision_;
  if (!learns_precision()) std::fill_n(slopes, width, 0.0f);
  return kernel::gaussian_nll(rows, width, outputs, targets_.data() + lane * slots,
                              log_precision(r), doutputs, learns_precision() ? slopes : nullptr, w);
}

/// In terms of the slope of the loss by the log precision, (squared error / variance - 1) / 2, which
/// is cleared: no update rule moves it.
void Stepper::follow_errors(std::size_t r, std::int64_t step) {
  const double share = std::max(1 / static_cast<double>(step), kFollow);
  float *slopes = store_.gradients_of(r) + log_precision_,
        *logs = store_.values_of(r) + log_precision_;
  for (std::size_t o = 0; o < program_.outputs(); ++o) {
    const double variance = std::exp(-static_cast<double>(logs[o])) * (1 + 2 * share * slopes[o]);
    logs[o] = static_cast<float>(-std::log(std::max(variance, kLeastVariance)));
    slopes[o] = 0;
  }
}

double Stepper::penalty(const engine::Frame& frame) const {
  double sum = 0;
  for (const auto& noise : program_.noises()) {
    if (noise->kind().penalty) sum += noise->kind().penalty(noise->at(frame));
  }
  return sum;
}

}  // namespace scalemix::inline v0::train
