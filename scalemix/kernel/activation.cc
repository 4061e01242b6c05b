// The activations and softmax, compiled once per instruction set; the rest are plain loops.
#include "scalemix/kernel/activation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#ifndef HWY_COMPILE_ALL_ATTAINABLE
#define HWY_COMPILE_ALL_ATTAINABLE  // the scalar target too, which tests compare the others with
#endif
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/activation.cc"
#include "hwy/foreach_target.h"  // must precede highway.h
#include "hwy/highway.h"
#include "scalemix/kernel/lanes-inl.h"
#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {
namespace {

template <class F>
HWY_INLINE void map(std::size_t n, float* x, const F& f) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    store(f(load(d, x + i, count)), d, x + i, count);
  });
}

/// 1 / (1 + e^-x), from e^-|x| so that neither tail overflows.
HWY_INLINE VF logistic(VF x) {
  const VF one = set(1), e = exp(DF(), hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, set(0)), e, one), hn::Add(one, e));
}

void relu(std::size_t n, float* x) {
  map(n, x, [](VF v) HWY_ATTR { return hn::IfThenZeroElse(hn::Lt(v, set(0)), v); });
}

void leaky_relu(std::size_t n, float slope, float* x) {
  map(n, x, [slope](VF v) HWY_ATTR {
    return hn::IfThenElse(hn::Lt(v, set(0)), hn::Mul(v, set(slope)), v);
  });
}

void hard_tanh(std::size_t n, float* x) {
  map(n, x, [](VF v) HWY_ATTR { return clip(v, set(-1), set(1)); });
}

void tanh(std::size_t n, float* x) {
  // Highway's Tanh takes NaN to a number.
  map(n, x, [](VF v) HWY_ATTR { return hn::IfThenElse(hn::IsNaN(v), v, hn::Tanh(DF(), v)); });
}

void sigmoid(std::size_t n, float* x) {
  map(n, x, [](VF v) HWY_ATTR { return logistic(v); });
}

void silu(std::size_t n, float* x) {
  map(n, x, [](VF v) HWY_ATTR { return hn::Mul(v, logistic(v)); });
}

void elu(std::size_t n, float* x) {
  map(n, x, [](VF v) HWY_ATTR {
    const VF low = hn::IfThenElse(hn::Lt(v, set(0)), v, set(0));
    return hn::IfThenElse(hn::Lt(v, set(0)), hn::Expm1(DF(), low), v);
  });
}

/// dy *= slope(x, y)
template <class F>
HWY_INLINE void scale(std::size_t n, const float* x, const float* y, float* dy, const F& slope) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF s = slope(load(d, x + i, count), load(d, y + i, count));
    store(hn::Mul(load(d, dy + i, count), s), d, dy + i, count);
  });
}

void relu_backward(std::size_t n, float, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy,
        [](VF v, VF) HWY_ATTR { return hn::IfThenElseZero(hn::Gt(v, set(0)), set(1)); });
}
void leaky_relu_backward(std::size_t n, float slope, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy, [slope](VF v, VF) HWY_ATTR {
    return hn::IfThenElse(hn::Gt(v, set(0)), set(1), set(slope));
  });
}
void hard_tanh_backward(std::size_t n, float, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy,
        [](VF v, VF) HWY_ATTR { return hn::IfThenElseZero(hn::Lt(hn::Abs(v), set(1)), set(1)); });
}
void tanh_backward(std::size_t n, float, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy, [](VF, VF f) HWY_ATTR { return hn::Sub(set(1), hn::Mul(f, f)); });
}
void sigmoid_backward(std::size_t n, float, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy, [](VF, VF f) HWY_ATTR { return hn::Mul(f, hn::Sub(set(1), f)); });
}
void silu_backward(std::size_t n, float, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy, [](VF v, VF f) HWY_ATTR {
    const VF s = logistic(v);
    return hn::Add(s, hn::Mul(f, hn::Sub(set(1), s)));
  });
}
void elu_backward(std::size_t n, float, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy, [](VF v, VF f) HWY_ATTR {
    return hn::IfThenElse(hn::Gt(v, set(0)), set(1), hn::Add(f, set(1)));
  });
}

/// Returns the row's entropy, ln sum e^z - sum z e^z / sum e^z, z the distance to the largest.
double softmax_row(std::size_t n, float* x) {
  const DF d;
  const VF most = set(*std::max_element(x, x + n));
  DoubleSum sum, moment;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) HWY_ATTR {
    const VF z = hn::Sub(load(d, x + i, count), most), e = exp(d, z);
    sum.add(d, e, count);
    moment.add(d, hn::IfThenZeroElse(hn::Eq(e, set(0)), hn::Mul(z, e)), count);
    store(e, d, x + i, count);
  });
  const double all = sum.total();
  const VF total = set(static_cast<float>(all));
  map(n, x, [total](VF e) HWY_ATTR { return hn::Div(e, total); });
  return std::log(all) - moment.total() / all;
}

}  // namespace
}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace scalemix::inline v0::kernel {
namespace {

HWY_EXPORT(relu);
HWY_EXPORT(leaky_relu);
HWY_EXPORT(hard_tanh);
HWY_EXPORT(tanh);
HWY_EXPORT(sigmoid);
HWY_EXPORT(silu);
HWY_EXPORT(elu);
HWY_EXPORT(softmax_row);
HWY_EXPORT(relu_backward);
HWY_EXPORT(leaky_relu_backward);
HWY_EXPORT(hard_tanh_backward);
HWY_EXPORT(tanh_backward);
HWY_EXPORT(sigmoid_backward);
HWY_EXPORT(silu_backward);
HWY_EXPORT(elu_backward);

constexpr ActivationRow kActivations[] = {
    {Activation::identity, "identity"},
    {Activation::relu, "relu"},
    {Activation::leaky_relu, "leaky_relu"},
    {Activation::tanh, "tanh"},
    {Activation::sigmoid, "sigmoid"},
    {Activation::gelu, "gelu"},
    {Activation::silu, "silu"},
    {Activation::elu, "elu"},
    {Activation::hard_tanh, "hard_tanh"},
    {Activation::sine, "sine"},
    {Activation::erf, "erf"},
};

/// Not vectorised: the tails of erfc need double to keep their relative accuracy.
void each(Activation f, std::size_t n, float* x) {
  for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<float>(ref::activate(f, 0, x[i]));
}

void activate_tile(Activation f, float slope, std::size_t n, float* x) {
  switch (f) {
    case Activation::identity:
      return;
    case Activation::relu:
      return HWY_DYNAMIC_DISPATCH(relu)(n, x);
    case Activation::leaky_relu:
      return HWY_DYNAMIC_DISPATCH(leaky_relu)(n, slope, x);
    case Activation::tanh:
      return HWY_DYNAMIC_DISPATCH(tanh)(n, x);
    case Activation::sigmoid:
      return HWY_DYNAMIC_DISPATCH(sigmoid)(n, x);
    case Activation::silu:
      return HWY_DYNAMIC_DISPATCH(silu)(n, x);
    case Activation::elu:
      return HWY_DYNAMIC_DISPATCH(elu)(n, x);
    case Activation::hard_tanh:
      return HWY_DYNAMIC_DISPATCH(hard_tanh)(n, x);
    case Activation::gelu:
    case Activation::sine:
    case Activation::erf:
      return each(f, n, x);
  }
}

void backward_tile(Activation f, float slope, std::size_t n, const float* x, const float* y,
                   float* dy) {
  switch (f) {
    case Activation::identity:
      return;
    case Activation::relu:
      return HWY_DYNAMIC_DISPATCH(relu_backward)(n, slope, x, y, dy);
    case Activation::leaky_relu:
      return HWY_DYNAMIC_DISPATCH(leaky_relu_backward)(n, slope, x, y, dy);
    case Activation::tanh:
      return HWY_DYNAMIC_DISPATCH(tanh_backward)(n, slope, x, y, dy);
    case Activation::sigmoid:
      return HWY_DYNAMIC_DISPATCH(sigmoid_backward)(n, slope, x, y, dy);
    case Activation::silu:
      return HWY_DYNAMIC_DISPATCH(silu_backward)(n, slope, x, y, dy);
    case Activation::elu:
      return HWY_DYNAMIC_DISPATCH(elu_backward)(n, slope, x, y, dy);
    case Activation::hard_tanh:
      return HWY_DYNAMIC_DISPATCH(hard_tanh_backward)(n, slope, x, y, dy);
    case Activation::gelu:
    case Activation::sine:
    case Activation::erf:
      for (std::size_t i = 0; i < n; ++i)
        dy[i] *= static_cast<float>(ref::activate_slope(f, 0, x[i]));
  }
}

/// Runs body(row) for every row, several rows to a tile.
template <class Body>
void for_rows(std::size_t rows, std::size_t width, const Body& body) {
  const std::size_t step =
      std::max<std::size_t>(1, Tiles::kLeast / std::max<std::size_t>(width, 1));
  parallel_tiles((rows + step - 1) / step, [&](std::size_t tile) {
    for (std::size_t r = tile * step; r < std::min(rows, (tile + 1) * step); ++r) body(r);
  });
}

}  // namespace

std::span<const ActivationRow> activations() { return kActivations; }

std::optional<Activation> find_activation(std::string_view name) {
  for (const ActivationRow& row : kActivations) {
    if (row.name == name) return row.activation;
  }
  return std::nullopt;
}

void activate(Activation f, float slope, std::size_t n, float* x) {
  init_target();
  for_tiles(n, [&](std::size_t i, std::size_t count) { activate_tile(f, slope, count, x + i); });
}

void activate_backward(Activation f, float slope, std::size_t n, const float* x, const float* y,
                       float* dy) {
  init_target();
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    backward_tile(f, slope, count, x + i, y + i, dy + i);
  });
}

bool slope_from_result(Activation f) {
  switch (f) {
    case Activation::identity:
    case Activation::relu:
    case Activation::tanh:
    case Activation::sigmoid:
    case Activation::elu:
    case Activation::hard_tanh:
      return true;
    default:
      return false;
  }
}

void add_bias(std::size_t rows, std::size_t columns, const float* bias, float* x) {
  for_rows(rows, columns, [&](std::size_t r) {
    for (std::size_t c = 0; c < columns; ++c) x[r * columns + c] += bias[c];
  });
}

void add(std::size_t n, const float* x, float* y) {
  for_tiles(n, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i) y[i] += x[i];
  });
}

void softmax(std::size_t rows, std::size_t columns, float* x, double* entropy) {
  init_target();
  for_rows(rows, columns, [&](std::size_t r) {
    const double nats = HWY_DYNAMIC_DISPATCH(softmax_row)(columns, x + r * columns);
    if (entropy) entropy[r] = nats;
  });
}

void batch_norm(std::size_t rows, std::size_t channels, std::size_t inner, const float* scale,
                const float* shift, float* x) {
  for_rows(rows, channels * inner, [&](std::size_t r) {
    float* row = x + r * channels * inner;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t i = 0; i < inner; ++i) {
        row[c * inner + i] = row[c * inner + i] * scale[c] + shift[c];
      }
    }
  });
}

void fold_batch_norm(std::size_t channels, const float* mean, const float* var, const float* weight,
                     const float* bias, double eps, float* scale, float* shift) {
  for (std::size_t c = 0; c < channels; ++c) {
    const double s = (weight ? weight[c] : 1.0) / std::sqrt(var[c] + eps);
    scale[c] = static_cast<float>(s);
    shift[c] = static_cast<float>((bias ? bias[c] : 0.0) - mean[c] * s);
  }
}

namespace ref {
double activate(Activation f, double slope, double x) {
  switch (f) {
    case Activation::identity:
      return x;
    case Activation::relu:
      return x < 0 ? 0 : x;
    case Activation::leaky_relu:
      return x < 0 ? slope * x : x;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Activation::gelu:
      return x * std::erfc(-x / std::numbers::sqrt2) / 2;
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::elu:
      return x > 0 ? x : std::expm1(x);
    case Activation::hard_tanh:
      return std::clamp(x, -1.0, 1.0);
    case Activation::sine:
      return std::sin(x);
    case Activation::erf:
      return std::erf(x);
  }
  return std::numeric_limits<double>::quiet_NaN();  // not an Activation
}

double activate_slope(Activation f, double slope, double x) {
  const double s = 1 / (1 + std::exp(-x));
  const double density = std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
  switch (f) {
    case Activation::identity:
      return 1;
    case Activation::relu:
      return x > 0 ? 1 : 0;
    case Activation::leaky_relu:
      return x > 0 ? 1 : slope;
    case Activation::tanh:
      return 1 - std::tanh(x) * std::tanh(x);
    case Activation::sigmoid:
      return s * (1 - s);
    case Activation::gelu:
      return std::erfc(-x / std::numbers::sqrt2) / 2 + x * density;
    case Activation::silu:
      return s * (1 + x * (1 - s));
    case Activation::elu:
      return x > 0 ? 1 : std::exp(x);
    case Activation::hard_tanh:
      return std::abs(x) < 1 ? 1 : 0;
    case Activation::sine:
      return std::cos(x);
    case Activation::erf:
      return 2 * std::exp(-x * x) * std::numbers::inv_sqrtpi;
  }
  return std::numeric_limits<double>::quiet_NaN();  // not an Activation
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
