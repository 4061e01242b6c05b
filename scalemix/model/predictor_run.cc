#include "scalemix/model/predictor_run.h"

#include <algorithm>

#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/tiles.h"

namespace scalemix::inline v0::model {
namespace {

using Kind = Step::Kind;

void grow(std::vector<float>& memory, std::size_t size) {
  if (memory.size() < size) memory.resize(size);
}

void grow(std::vector<double>& memory, std::size_t size) {
  if (memory.size() < size) memory.resize(size);
}

/// y = mean or largest of each of `planes` planes of x.
void whole_channel(bool largest, std::size_t planes, std::size_t inner, const float* x, float* y) {
  for (std::size_t p = 0; p < planes; ++p, x += inner) {
    double sum = 0;
    float most = x[0];
    for (std::size_t i = 0; i < inner; ++i) {
      sum += x[i];
      // The comparison is false for a NaN that is there, true for one that comes.
      if (most == most && !(x[i] <= most)) most = x[i];
    }
    y[p] = largest ? most : static_cast<float>(sum / static_cast<double>(inner));
  }
}

}  // namespace

void Context::Scratch::reserve(const Predictor::Plan& plan, std::size_t rows) {
  if (levels.size() < plan.level_width.size()) levels.resize(plan.level_width.size());
  for (std::size_t l = 0; l < plan.level_width.size(); ++l) {
    for (std::vector<float>& buffer : levels[l]) grow(buffer, plan.level_width[l] * rows);
  }
  grow(prefix, plan.level_width[0] * rows);
  grow(square, plan.square_width * rows);
  grow(variance, plan.variance_width * rows);
  grow(weights, plan.weights);
  grow(conv, conv_scratch(plan.steps, rows));
  grow(mean, plan.outputs * rows);
  grow(square_sum, plan.outputs * rows);
  grow(entropy, rows);
  grow(draw_entropy, rows);
}

std::size_t Pass::run(const std::vector<Step>& steps, std::size_t begin, std::size_t end,
                      std::size_t level, std::size_t side) {
  for (std::size_t i = begin; i < end; ++i) {
    std::array<std::vector<float>, 2>& buffers = scratch.levels[level];
    if (steps[i].kind == Kind::residual) {
      side = residual(steps[i], level, side);
    } else if (in_place(steps[i])) {
      apply(steps[i], buffers[side].data());
    } else {
      apply(steps[i], buffers[side].data(), buffers[1 - side].data());
      side = 1 - side;
    }
  }
  return side;
}

std::size_t Pass::run_from(const float* x, const std::vector<Step>& steps, std::size_t begin,
                           std::size_t end) {
  float* first = scratch.levels[0][0].data();
  const Step& step = steps[begin];
  if (step.kind == Kind::residual) {
    std::copy_n(x, rows * step.in, first);
    return run(steps, begin, end, 0, 0);
  }
  if (step.kind == Kind::noise) {
    noise(step, x, first);
  } else {
    apply(step, x, first);
  }
  return run(steps, begin + 1, end, 0, 0);
}

bool Pass::in_place(const Step& step) const {
  return step.kind == Kind::affine || step.kind == Kind::activation || step.kind == Kind::noise;
}

void Pass::apply(const Step& step, float* x) {
  if (step.kind == Kind::affine) {
    kernel::batch_norm(rows, step.channels, step.in / step.channels, step.scale.data(),
                       step.shift.data(), x);
  } else if (step.kind == Kind::activation) {
    kernel::activate(step.activation, step.slope, rows * step.in, x);
  } else if (draw) {
    noise(step, x, x);
  } else {
    centre(step, x);
  }
}

void Pass::apply(const Step& step, const float* x, float* y) {
  if (step.kind == Kind::max_pool || step.kind == Kind::avg_pool) return pool(step, x, y);
  if (!draw || !step.stochastic) {
    product(step, step.weight.data(), step.bias_or_null(), x, y);
  } else if (!step.variance.empty()) {
    sampled(step, x, y);
  } else {
    product(step, drawn_weights(step), step.bias_or_null(), x, y);
  }
}

std::size_t Pass::residual(const Step& step, std::size_t level, std::size_t side) {
  const float* x = scratch.levels[level][side].data();
  std::copy_n(x, rows * step.in, scratch.levels[level + 1][0].data());
  const std::size_t branch = run(step.branch, 0, step.branch.size(), level + 1, 0);
  const std::size_t out = run(step.shortcut, 0, step.shortcut.size(), level, side);
  kernel::add(rows * step.out, scratch.levels[level + 1][branch].data(),
              scratch.levels[level][out].data());
  return out;
}

void Pass::noise(const Step& step, const float* x, float* y) const {
  const law::Sampler& sampler =
      step.mode == kernel::Mode::add ? step.law->raw() : step.law->multiplier();
  kernel::noise(sampler, stream(step), site(step), step.mode, x, y);
}

void Pass::centre(const Step& step, float* x) const {
  const bool add = step.mode == kernel::Mode::add;
  const float scale = add ? 1 : step.centre, shift = add ? step.centre : 0;
  if (scale != 1 || shift != 0) kernel::batch_norm(rows, 1, step.in, &scale, &shift, x);
}

kernel::Conv2d Pass::shape_of(const Step& step) const {
  kernel::Conv2d shape = step.conv;
  shape.n = rows;
  return shape;
}

void Pass::product(const Step& step, const float* w, const float* bias, const float* x, float* y) {
  if (step.kind == Kind::conv2d) {
    kernel::conv2d_forward(shape_of(step), x, w, bias, scratch.conv.data(), y);
    return;
  }
  kernel::gemm(kernel::Trans::no, kernel::Trans::yes, rows, step.out, step.in, x, step.in, w,
               step.in, 0, y, step.out);
  if (bias) kernel::add_bias(rows, step.out, bias, y);
}

/// Local reparameterisation: mean and variance of the pre-activation, then one draw.
void Pass::sampled(const Step& step, const float* x, float* y) {
  if (step.kind == Kind::conv2d) {
    kernel::conv2d_moments(shape_of(step), x, step.weight.data(), step.bias_or_null(),
                           step.variance.data(), scratch.conv.data(), y, scratch.variance.data());
  } else {
    product(step, step.weight.data(), step.bias_or_null(), x, y);
    float* square = scratch.square.data();
    kernel::for_tiles(rows * step.in, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) square[i] = x[i] * x[i];
    });
    product(step, step.variance.data(), nullptr, square, scratch.variance.data());
  }
  kernel::reparam(step.law->raw(), stream(step), site(step), y, scratch.variance.data(), y);
}

const float* Pass::drawn_weights(const Step& step) {
  kernel::noise(step.law->multiplier(), stream(step), step.site, kernel::Mode::multiply,
                step.free.data(), scratch.weights.data());
  return scratch.weights.data();
}

void Pass::pool(const Step& step, const float* x, float* y) const {
  kernel::Pool2d shape = step.pool;
  shape.n = rows;
  const bool largest = step.kind == Kind::max_pool;
  if (shape.window.kernel == 0)
    return whole_channel(largest, rows * shape.c, shape.h * shape.w, x, y);
  largest ? kernel::max_pool2d(shape, x, y) : kernel::avg_pool2d(shape, x, y);
}

kernel::Site Pass::site(const Step& step) const {
  kernel::Site site = step.site;
  site.rows = rows;
  site.row0 = row0;
  return site;
}

}  // namespace scalemix::inline v0::model
