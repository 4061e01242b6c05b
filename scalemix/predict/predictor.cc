#include "scalemix/predict/predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/batch.h"
#include "scalemix/predict/plan.h"

namespace scalemix::inline v0::predict {
namespace {

// Floats of the widest activation in a block. Draws go over a block again and again, so it stays in
// a core's own cache.
constexpr std::size_t kBlockFloats = std::size_t{1} << 20, kDrawnFloats = std::size_t{1} << 16;
constexpr std::size_t kMostRows = 4096;

void check_call(const Predictor::Plan& plan, std::size_t size, std::size_t rows,
                const PredictOptions& options) {
  const std::size_t width = plan.program.width();
  if (rows > std::numeric_limits<std::size_t>::max() / width || size != rows * width) {
    throw std::invalid_argument(
        fmt::format("predict: expected {} rows of {} numbers, got {} numbers", rows, width, size));
  }
  if (options.samples > std::numeric_limits<std::uint32_t>::max()) {
    throw std::invalid_argument(
        fmt::format("predict: at most 2^32 - 1 samples, got {}", options.samples));
  }
}

std::size_t block_rows(const Predictor::Plan& plan, std::size_t rows,
                       const PredictOptions& options) {
  const std::size_t floats = options.samples > 0 ? kDrawnFloats : kBlockFloats;
  const std::size_t fit = std::clamp<std::size_t>(floats / plan.widest, 1, kMostRows);
  return std::max<std::size_t>(1, std::min(options.block ? options.block : fit, rows));
}

const float* data_or_null(const std::vector<float>& values) {
  return values.empty() ? nullptr : values.data();
}

void standardise(const Predictor::Plan& plan, const float* x, std::size_t rows, float* out) {
  const model::Preprocessing& p = plan.model.preprocessing;
  kernel::standardise_rows(x, plan.program.width(), rows, data_or_null(p.mean),
                           data_or_null(p.scale), out);
}

/// Some rows of a call.
struct Block {
  std::size_t first, rows;
};

/// The draws of one block, each given to f; y may be overwritten.
template <class F>
void sample_block(const Predictor::Plan& plan, Context::Scratch& scratch,
                  const engine::Schedule& schedule, engine::Frame frame, const Block& block,
                  std::size_t samples, const F& f) {
  const std::size_t end = plan.program.instructions().size();
  float *memory = scratch.memory.data(), *y = schedule.output(memory);
  plan.program.forward(frame, schedule, memory, 0, plan.first_draw);
  const bool still = plan.first_draw == end;  // nothing draws: all draws are the same
  const std::size_t outputs = block.rows * plan.program.outputs();
  if (still) scratch.still.assign(y, y + outputs);
  for (std::size_t sample = 0; sample < samples; ++sample) {
    frame.draw = static_cast<std::uint32_t>(sample);
    if (still) {
      std::copy_n(scratch.still.data(), outputs, y);
    } else {
      plan.program.forward(frame, schedule, memory, plan.first_draw, end);
    }
    f(block, sample, y);
  }
}

/// Divides a classification's outputs by the model's temperature.
void cool(const Predictor::Plan& plan, std::size_t n, float* y) {
  const double temperature = plan.model.preprocessing.calibration.temperature;
  if (temperature == 1 || plan.model.spec.task != Task::classification) return;
  const auto per = static_cast<float>(1 / temperature);
  for (std::size_t i = 0; i < n; ++i) y[i] *= per;
}

/// Calls f(block, sample, y) with y (block rows, outputs) for every block and draw.
template <class F>
void for_each_output(Context& context, std::span<const float> x, std::size_t rows,
                     const PredictOptions& options, const F& with_output) {
  const Predictor::Plan& plan = context.plan();
  const auto f = [&](const Block& block, std::size_t sample, float* y) {
    cool(plan, block.rows * plan.program.outputs(), y);
    with_output(block, sample, y);
  };
  Context::Scratch& scratch = context.scratch();
  const std::size_t most = block_rows(plan, rows, options), width = plan.program.width();
  const bool draws = options.samples > 0;
  for (std::size_t first = 0; first < rows; first += most) {
    const Block block{first, std::min(most, rows - first)};
    const engine::Schedule& schedule = scratch.reserve(plan, block.rows, draws);
    engine::Frame frame =
        plan.frame(draws ? engine::Mode::sample : engine::Mode::deterministic, block.rows);
    frame.row0 = options.row0 + first;
    frame.seed = options.seed;
    float* memory = scratch.memory.data();
    standardise(plan, x.data() + first * width, block.rows, schedule.input(memory));
    if (draws) {
      sample_block(plan, scratch, schedule, frame, block, options.samples, f);
    } else {
      plan.program.forward(frame, schedule, memory, 0, plan.program.instructions().size());
      f(block, std::size_t{0}, schedule.output(memory));
    }
  }
}

double entropy(const double* p, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum -= p[k] > 0 ? p[k] * std::log(p[k]) : 0;
  return sum;
}

/// Running mean and sum of squared deviations (Welford 1962) of a block's outputs.
void gather(Context::Scratch& s, std::size_t sample, const float* y, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    if (sample == 0) s.mean[i] = s.square_sum[i] = 0;
    const double off = y[i] - s.mean[i];
    s.mean[i] += off / static_cast<double>(sample + 1);
    s.square_sum[i] += off * (y[i] - s.mean[i]);
  }
}

/// y (rows, classes) becomes probabilities; their entropies are summed over the draws.
void softmax(Context::Scratch& s, std::size_t sample, std::size_t rows, std::size_t classes,
             float* y) {
  kernel::softmax(rows, classes, y, s.draw_entropy.data());
  for (std::size_t r = 0; r < rows; ++r) {
    s.entropy[r] = s.draw_entropy[r] + (sample == 0 ? 0 : s.entropy[r]);
  }
}

void finish_regression(const Predictor::Plan& plan, const Context::Scratch& s, const Block& block,
                       std::size_t samples, Prediction& out) {
  const model::Preprocessing& p = plan.model.preprocessing;
  const double scale2 = p.target_scale * p.target_scale;
  for (std::size_t i = 0; i < block.rows * plan.program.outputs(); ++i) {
    const std::size_t to = block.first * plan.program.outputs() + i;
    out.mean[to] = static_cast<float>(s.mean[i] * p.target_scale + p.target_mean);
    out.epistemic[to] = static_cast<float>(s.square_sum[i] / static_cast<double>(samples) * scale2);
    out.aleatoric[to] = plan.noise_variance[i % plan.program.outputs()];
  }
}

void finish_classification(const Predictor::Plan& plan, const Context::Scratch& s,
                           const Block& block, std::size_t samples, Prediction& out) {
  const std::size_t classes = plan.program.outputs();
  for (std::size_t r = 0; r < block.rows; ++r) {
    const double* mean = &s.mean[r * classes];
    const double total = entropy(mean, classes);
    // A single pass knows no other: the two sums would differ by rounding.
    const double expected = samples == 1 ? total : s.entropy[r] / static_cast<double>(samples);
    const std::size_t to = block.first + r;
    for (std::size_t k = 0; k < classes; ++k)
      out.mean[to * classes + k] = static_cast<float>(mean[k]);
    out.aleatoric[to] = static_cast<float>(expected);
    // Entropy is concave: below zero is rounding.
    out.epistemic[to] = static_cast<float>(std::max(0.0, total - expected));
  }
}

}  // namespace

Predictor::Predictor(model::Model model, const Crossover& crossover)
    : plan_(std::make_shared<const Plan>(std::move(model), crossover)) {}

const model::Spec& Predictor::spec() const { return plan_->model.spec; }
const model::Preprocessing& Predictor::preprocessing() const { return plan_->model.preprocessing; }
const model::Model& Predictor::model() const { return plan_->model; }
bool Predictor::stochastic() const {
  return plan_->first_draw < plan_->program.instructions().size();
}
std::size_t Predictor::width() const { return plan_->program.width(); }
std::size_t Predictor::outputs() const { return plan_->program.outputs(); }

Context::Context(const Predictor& predictor)
    : plan_(predictor.plan()), scratch_(std::make_unique<Scratch>()) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;

void predict(Context& context, std::span<const float> x, std::size_t rows,
             const PredictOptions& options, Prediction& out) {
  const Predictor::Plan& plan = context.plan();
  check_call(plan, x.size(), rows, options);
  const bool classes = plan.model.spec.task == Task::classification;
  const std::size_t parts = classes ? rows : rows * plan.program.outputs();
  const std::size_t samples = std::max<std::size_t>(1, options.samples);
  out.mean.resize(rows * plan.program.outputs());
  out.epistemic.resize(parts);
  out.aleatoric.resize(parts);
  Context::Scratch& scratch = context.scratch();
  for_each_output(context, x, rows, options, [&](const Block& block, std::size_t sample, float* y) {
    if (classes) softmax(scratch, sample, block.rows, plan.program.outputs(), y);
    gather(scratch, sample, y, block.rows * plan.program.outputs());
    if (sample + 1 < samples) return;
    classes ? finish_classification(plan, scratch, block, samples, out)
            : finish_regression(plan, scratch, block, samples, out);
  });
}

Prediction predict(Context& context, std::span<const float> x, std::size_t rows,
                   const PredictOptions& options) {
  Prediction out;
  predict(context, x, rows, options, out);
  return out;
}

void predict_outputs(Context& context, std::span<const float> x, std::size_t rows,
                     const PredictOptions& options, std::vector<float>& out) {
  check_call(context.plan(), x.size(), rows, options);
  const std::size_t outputs = context.plan().program.outputs();
  out.resize(std::max<std::size_t>(1, options.samples) * rows * outputs);
  for_each_output(context, x, rows, options, [&](const Block& block, std::size_t sample, float* y) {
    std::copy_n(y, block.rows * outputs, out.data() + (sample * rows + block.first) * outputs);
  });
}

}  // namespace scalemix::inline v0::predict
