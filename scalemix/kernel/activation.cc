// The activations and softmax, compiled once per instruction set; the rest are plain loops.
#include "scalemix/kernel/activation.h"

#include <algorithm>
#include <cmath>

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

/// f + s (1 - f), f = x s: the slope of x s, s the logistic function.
HWY_INLINE VF silu_slope(VF s, VF f) { return hn::Add(s, hn::Mul(f, hn::Sub(set(1), s))); }

/// f(x) lane by lane, rounded from double.
HWY_INLINE VF by_lane(VF x, ActivationRow::Function f, double parameter) {
  HWY_ALIGN float lanes[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(x, DF(), lanes);
  for (std::size_t i = 0; i < hn::Lanes(DF()); ++i) {
    lanes[i] = static_cast<float>(f(parameter, lanes[i]));
  }
  return hn::Load(DF(), lanes);
}

HWY_INLINE VF in_double(Activation f, VF x) {
  const ActivationRow& row = activation_row(f);
  return by_lane(x, row.value, row.layer_parameter(0));
}

HWY_INLINE VF slope_in_double(Activation f, VF x) {
  const ActivationRow& row = activation_row(f);
  return by_lane(x, row.slope, row.layer_parameter(0));
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

// A row in lanes; `a` is its parameter.
#define SCALEMIX_ACTIVATION(NAME, SUMMARY, SOURCE, PARAMETER, FROM_RESULT, VALUE, SLOPE, LANES, \
                            SLOPE_LANES)                                                        \
  struct NAME##_row {                                                                           \
    static HWY_INLINE VF value([[maybe_unused]] VF x, [[maybe_unused]] VF a) { return LANES; }  \
    static HWY_INLINE VF slope([[maybe_unused]] VF x, [[maybe_unused]] VF y,                    \
                               [[maybe_unused]] VF a) {                                         \
      return SLOPE_LANES;                                                                       \
    }                                                                                           \
  };
#include "scalemix/kernel/activations.inc"
#undef SCALEMIX_ACTIVATION

template <class Row>
void forward(std::size_t n, float a, float* x) {
  map(n, x, [a](VF v) HWY_ATTR { return Row::value(v, set(a)); });
}

template <class Row>
void backward(std::size_t n, float a, const float* x, const float* y, float* dy) {
  scale(n, x, y, dy, [a](VF v, VF f) HWY_ATTR { return Row::slope(v, f, set(a)); });
}

void activate_tile(Activation f, float a, std::size_t n, float* x) {
  static constexpr decltype(&forward<identity_row>) kForward[] = {
#define SCALEMIX_ACTIVATION(NAME, ...) &forward<NAME##_row>,
#include "scalemix/kernel/activations.inc"
#undef SCALEMIX_ACTIVATION
  };
  kForward[static_cast<std::size_t>(f)](n, a, x);
}

void backward_tile(Activation f, float a, std::size_t n, const float* x, const float* y,
                   float* dy) {
  static constexpr decltype(&backward<identity_row>) kBackward[] = {
#define SCALEMIX_ACTIVATION(NAME, ...) &backward<NAME##_row>,
#include "scalemix/kernel/activations.inc"
#undef SCALEMIX_ACTIVATION
  };
  kBackward[static_cast<std::size_t>(f)](n, a, x, y, dy);
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

HWY_EXPORT(activate_tile);
HWY_EXPORT(backward_tile);
HWY_EXPORT(softmax_row);

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

void activate(Activation f, float slope, std::size_t n, float* x) {
  if (f == Activation::identity) return;
  init_target();
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(activate_tile)(f, slope, count, x + i);
  });
}

void activate_backward(Activation f, float slope, std::size_t n, const float* x, const float* y,
                       float* dy) {
  if (f == Activation::identity) return;
  init_target();
  for_tiles(n, [&](std::size_t i, std::size_t count) {
    HWY_DYNAMIC_DISPATCH(backward_tile)(f, slope, count, x + i, y + i, dy + i);
  });
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

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
