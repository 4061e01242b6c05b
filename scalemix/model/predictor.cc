#include "scalemix/model/predictor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "scalemix/kernel/batch.h"
#include "scalemix/model/predictor_plan.h"
#include "scalemix/model/predictor_run.h"

namespace scalemix::inline v0::model {
namespace {

// Floats of the widest activation in a block. Draws go over a block again and again, so it stays in
// a core's own cache.
constexpr std::size_t kBlockFloats = std::size_t{1} << 20, kDrawnFloats = std::size_t{1} << 16;
constexpr std::size_t kMostRows = 4096;

void check_call(const Predictor& predictor, std::size_t size, std::size_t rows,
                const PredictOptions& options) {
  const std::size_t width = predictor.width();
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
  const std::size_t widest = *std::max_element(plan.level_width.begin(), plan.level_width.end());
  const std::size_t floats = options.samples > 0 ? kDrawnFloats : kBlockFloats;
  const std::size_t fit = std::clamp<std::size_t>(floats / widest, 1, kMostRows);
  return std::max<std::size_t>(1, std::min(options.block ? options.block : fit, rows));
}

const float* data_or_null(const std::vector<float>& values) {
  return values.empty() ? nullptr : values.data();
}

void standardise(const Predictor::Plan& plan, const float* x, std::size_t rows, float* out) {
  const Preprocessing& p = plan.model.preprocessing;
  kernel::standardise_rows(x, plan.width, rows, data_or_null(p.mean), data_or_null(p.scale), out);
}

/// Some rows of a call.
struct Block {
  std::size_t first, rows;
};

/// Calls f(block, sample, y) with y (block rows, outputs) for every block and draw. y may be
/// overwritten.
template <class F>
void for_each_output(Context& context, std::span<const float> x, std::size_t rows,
                     const PredictOptions& options, const F& f) {
  const Predictor::Plan& plan = context.predictor().plan();
  Context::Scratch& scratch = context.scratch();
  const std::size_t most = block_rows(plan, rows, options), steps = plan.steps.size();
  for (std::size_t first = 0; first < rows; first += most) {
    const Block block{first, std::min(most, rows - first)};
    scratch.reserve(plan, block.rows);
    auto& buffers = scratch.levels[0];
    Pass pass{scratch, block.rows, options.row0 + first, options.samples > 0, options.seed, 0};
    standardise(plan, x.data() + first * plan.width, block.rows, buffers[0].data());
    std::size_t side = pass.run(plan.steps, 0, plan.first_draw, 0, 0);
    if (!pass.draw) {
      side = pass.run(plan.steps, plan.first_draw, steps, 0, side);
      f(block, std::size_t{0}, buffers[side].data());
      continue;
    }
    std::swap(buffers[side], scratch.prefix);
    for (std::size_t sample = 0; sample < options.samples; ++sample) {
      pass.sample = static_cast<std::uint32_t>(sample);
      if (plan.first_draw < steps) {
        side = pass.run_from(scratch.prefix.data(), plan.steps, plan.first_draw, steps);
      } else {
        side = 0;  // no step draws: all draws are the same
        std::copy_n(scratch.prefix.data(), block.rows * plan.outputs, buffers[0].data());
      }
      f(block, sample, buffers[side].data());
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
  const Preprocessing& p = plan.model.preprocessing;
  const double scale2 = p.target_scale * p.target_scale;
  for (std::size_t i = 0; i < block.rows * plan.outputs; ++i) {
    const std::size_t to = block.first * plan.outputs + i;
    out.mean[to] = static_cast<float>(s.mean[i] * p.target_scale + p.target_mean);
    out.epistemic[to] = static_cast<float>(s.square_sum[i] / static_cast<double>(samples) * scale2);
    out.aleatoric[to] = plan.noise_variance[i % plan.outputs];
  }
}

void finish_classification(const Predictor::Plan& plan, const Context::Scratch& s,
                           const Block& block, std::size_t samples, Prediction& out) {
  const std::size_t classes = plan.outputs;
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

Predictor::Predictor(Model model) : plan_(std::make_unique<Plan>(make_plan(std::move(model)))) {}
Predictor::~Predictor() = default;
Predictor::Predictor(Predictor&&) noexcept = default;

const Spec& Predictor::spec() const { return plan_->model.spec; }
const Preprocessing& Predictor::preprocessing() const { return plan_->model.preprocessing; }
const Model& Predictor::model() const { return plan_->model; }
bool Predictor::stochastic() const { return plan_->first_draw < plan_->steps.size(); }
std::size_t Predictor::width() const { return plan_->width; }
std::size_t Predictor::outputs() const { return plan_->outputs; }
const Predictor::Plan& Predictor::plan() const { return *plan_; }

Context::Context(const Predictor& predictor)
    : predictor_(&predictor), scratch_(std::make_unique<Scratch>()) {}
Context::~Context() = default;
Context::Context(Context&&) noexcept = default;

void predict(Context& context, std::span<const float> x, std::size_t rows,
             const PredictOptions& options, Prediction& out) {
  const Predictor& predictor = context.predictor();
  check_call(predictor, x.size(), rows, options);
  const Predictor::Plan& plan = predictor.plan();
  const bool classes = predictor.spec().task == Task::classification;
  const std::size_t parts = classes ? rows : rows * plan.outputs;
  const std::size_t samples = std::max<std::size_t>(1, options.samples);
  out.mean.resize(rows * plan.outputs);
  out.epistemic.resize(parts);
  out.aleatoric.resize(parts);
  Context::Scratch& scratch = context.scratch();
  for_each_output(context, x, rows, options, [&](const Block& block, std::size_t sample, float* y) {
    if (classes) softmax(scratch, sample, block.rows, plan.outputs, y);
    gather(scratch, sample, y, block.rows * plan.outputs);
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
  check_call(context.predictor(), x.size(), rows, options);
  const std::size_t outputs = context.predictor().outputs();
  out.resize(std::max<std::size_t>(1, options.samples) * rows * outputs);
  for_each_output(context, x, rows, options, [&](const Block& block, std::size_t sample, float* y) {
    std::copy_n(y, block.rows * outputs, out.data() + (sample * rows + block.first) * outputs);
  });
}

}  // namespace scalemix::inline v0::model
