// The SIMD half of norm.h: sums of a run of numbers, and the maps that follow from them.

#include "scalemix/kernel/norm.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "scalemix/kernel/norm.cc"
#include "hwy/foreach_target.h"  // must precede highway.h

#include "hwy/highway.h"
#include "scalemix/kernel/lanes-inl.h"

#ifndef SCALEMIX_KERNEL_NORM_SUMS_
#define SCALEMIX_KERNEL_NORM_SUMS_
namespace scalemix::inline v0::kernel {
namespace {
struct Sums {
  double first = 0, second = 0;
};
}  // namespace
}  // namespace scalemix::inline v0::kernel
#endif

HWY_BEFORE_NAMESPACE();
namespace scalemix::inline v0::kernel::HWY_NAMESPACE {

/// Of x - origin and its square.
Sums centred_sums(std::size_t n, const float* x, float origin) {
  const DF d;
  DoubleSum sum, square;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) {
    VF v = hn::Sub(load(d, x + i, count), set(origin));
    if (count < hn::Lanes(d)) v = hn::IfThenElseZero(hn::FirstN(d, count), v);
    sum.add(d, v, hn::Lanes(d));
    square.add_square(v);
  });
  return {sum.total(), square.total()};
}

/// Of dy and dy (x - mean), each product rounded once.
Sums gradient_sums(std::size_t n, const float* dy, const float* x, float mean) {
  const DF d;
  DoubleSum sum, product;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) {
    const VF g = load(d, dy + i, count);
    sum.add(d, g, count);
    product.add(d, hn::Mul(g, hn::Sub(load(d, x + i, count), set(mean))), count);
  });
  return {sum.total(), product.total()};
}

/// y = (x - mean) scale + shift.
void centre_scale(std::size_t n, const float* x, float mean, float scale, float shift, float* y) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) {
    const VF h = hn::Sub(load(d, x + i, count), set(mean));
    store(hn::Add(hn::Mul(h, set(scale)), set(shift)), d, y + i, count);
  });
}

/// dx = a dy + b (x - mean) + c.
void combine(std::size_t n, const float* dy, float a, const float* x, float mean, float b, float c,
             float* dx) {
  const DF d;
  for_lanes(d, n, [&](std::size_t i, std::size_t count) {
    const VF h = hn::Sub(load(d, x + i, count), set(mean));
    const VF rest = hn::Add(hn::Mul(h, set(b)), set(c));
    store(hn::Add(hn::Mul(load(d, dy + i, count), set(a)), rest), d, dx + i, count);
  });
}

}  // namespace scalemix::inline v0::kernel::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>
#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/columns.h"

namespace scalemix::inline v0::kernel {
HWY_EXPORT(centred_sums);
HWY_EXPORT(gradient_sums);
HWY_EXPORT(centre_scale);
HWY_EXPORT(combine);

namespace {

constexpr std::size_t kColumns = 64;  // of a tile, where a channel is one column

float inverse_sd(double var, double eps) { return static_cast<float>(1 / std::sqrt(var + eps)); }

/// From sums about an origin to the mean and 1 / sd.
void finish(const Sums& s, float origin, double count, double eps, float& mean, float& inv_sd) {
  const double off = s.first / count;
  mean = static_cast<float>(origin + off);
  inv_sd = inverse_sd(std::max(0.0, s.second / count - off * off), eps);
}

/// Calls body(first, count) for tiles of columns.
template <class Body>
void for_columns(std::size_t columns, const Body& body) {
  parallel_tiles((columns + kColumns - 1) / kColumns, [&](std::size_t tile) {
    const std::size_t first = tile * kColumns;
    body(first, std::min(kColumns, columns - first));
  });
}

void column_forward(const Channels& s, const float* x, const float* weight, const float* bias,
                    double eps, float* mean, float* inv_sd, float* y) {
  for_columns(s.channels, [&](std::size_t first, std::size_t count) {
    Sums sums[kColumns];
    for (std::size_t n = 0; n < s.rows; ++n) {
      const float* row = x + n * s.channels + first;
      for (std::size_t c = 0; c < count; ++c) {
        const double v = row[c] - x[first + c];
        sums[c].first += v;
        sums[c].second += v * v;
      }
    }
    float scale[kColumns];
    for (std::size_t c = 0; c < count; ++c) {
      const std::size_t j = first + c;
      finish(sums[c], x[j], static_cast<double>(s.rows), eps, mean[j], inv_sd[j]);
      scale[c] = inv_sd[j] * weight[j];
    }
    for (std::size_t n = 0; n < s.rows; ++n) {
      const std::size_t at = n * s.channels + first;
      for (std::size_t c = 0; c < count; ++c) {
        y[at + c] = (x[at + c] - mean[first + c]) * scale[c] + bias[first + c];
      }
    }
  });
}

/// What dx is made of: a dy + b (x - mean) + c.
struct Way {
  float a, b, c;
  Way(const Sums& s, double count, double weight, double inv_sd)
      : a(static_cast<float>(weight * inv_sd)),
        b(static_cast<float>(-weight * inv_sd * inv_sd * inv_sd * s.second / count)),
        c(static_cast<float>(-weight * inv_sd * s.first / count)) {}
};

void column_backward(const Channels& s, const float* x, const float* weight, const float* mean,
                     const float* inv_sd, const float* dy, float* dx, float* dweight,
                     float* dbias) {
  for_columns(s.channels, [&](std::size_t first, std::size_t count) {
    Sums sums[kColumns];
    for (std::size_t n = 0; n < s.rows; ++n) {
      const std::size_t at = n * s.channels + first;
      for (std::size_t c = 0; c < count; ++c) {
        sums[c].first += dy[at + c];
        sums[c].second += static_cast<double>(dy[at + c]) * (x[at + c] - mean[first + c]);
      }
    }
    for (std::size_t c = 0; c < count; ++c) {
      const std::size_t j = first + c;
      dweight[j] = static_cast<float>(sums[c].second * inv_sd[j]);
      dbias[j] = static_cast<float>(sums[c].first);
      if (!dx) continue;
      const Way way(sums[c], static_cast<double>(s.rows), weight[j], inv_sd[j]);
      for (std::size_t n = 0; n < s.rows; ++n) {
        const std::size_t at = n * s.channels + j;
        dx[at] = way.a * dy[at] + (way.b * (x[at] - mean[j]) + way.c);
      }
    }
  });
}

}  // namespace

void batch_norm_forward(const Channels& s, const float* x, const float* weight, const float* bias,
                        double eps, float* mean, float* inv_sd, float* y) {
  if (s.inner == 1) return column_forward(s, x, weight, bias, eps, mean, inv_sd, y);
  const std::size_t row = s.channels * s.inner;
  parallel_tiles(s.channels, [&](std::size_t c) {
    const float origin = x[c * s.inner];
    Sums sums;
    for (std::size_t n = 0; n < s.rows; ++n) {
      const Sums part =
          HWY_DYNAMIC_DISPATCH(centred_sums)(s.inner, x + n * row + c * s.inner, origin);
      sums.first += part.first;
      sums.second += part.second;
    }
    finish(sums, origin, static_cast<double>(s.rows * s.inner), eps, mean[c], inv_sd[c]);
    for (std::size_t n = 0; n < s.rows; ++n) {
      const std::size_t at = n * row + c * s.inner;
      HWY_DYNAMIC_DISPATCH(centre_scale)
      (s.inner, x + at, mean[c], inv_sd[c] * weight[c], bias[c], y + at);
    }
  });
}

void batch_norm_backward(const Channels& s, const float* x, const float* weight, const float* mean,
                         const float* inv_sd, const float* dy, float* dx, float* dweight,
                         float* dbias) {
  if (s.inner == 1) {
    return column_backward(s, x, weight, mean, inv_sd, dy, dx, dweight, dbias);
  }
  const std::size_t row = s.channels * s.inner;
  parallel_tiles(s.channels, [&](std::size_t c) {
    Sums sums;
    for (std::size_t n = 0; n < s.rows; ++n) {
      const std::size_t at = n * row + c * s.inner;
      const Sums part = HWY_DYNAMIC_DISPATCH(gradient_sums)(s.inner, dy + at, x + at, mean[c]);
      sums.first += part.first;
      sums.second += part.second;
    }
    dweight[c] = static_cast<float>(sums.second * inv_sd[c]);
    dbias[c] = static_cast<float>(sums.first);
    if (!dx) return;
    const Way way(sums, static_cast<double>(s.rows * s.inner), weight[c], inv_sd[c]);
    for (std::size_t n = 0; n < s.rows; ++n) {
      const std::size_t at = n * row + c * s.inner;
      HWY_DYNAMIC_DISPATCH(combine)
      (s.inner, dy + at, way.a, x + at, mean[c], way.b, way.c, dx + at);
    }
  });
}

void running_statistics(const Channels& s, const float* mean, const float* inv_sd, double eps,
                        double momentum, float* running_mean, float* running_var) {
  const double count = static_cast<double>(s.rows * s.inner), unbiased = count / (count - 1);
  for (std::size_t c = 0; c < s.channels; ++c) {
    const double sd = 1.0 / inv_sd[c], var = std::max(0.0, sd * sd - eps) * unbiased;
    running_mean[c] = static_cast<float>((1 - momentum) * running_mean[c] + momentum * mean[c]);
    running_var[c] = static_cast<float>((1 - momentum) * running_var[c] + momentum * var);
  }
}

void layer_norm_forward(std::size_t rows, std::size_t n, const float* x, const float* weight,
                        const float* bias, double eps, float* mean, float* inv_sd, float* y) {
  parallel_tiles(rows, [&](std::size_t r) {
    const float* from = x + r * n;
    float* to = y + r * n;
    float m = 0, inv = 0;
    finish(HWY_DYNAMIC_DISPATCH(centred_sums)(n, from, from[0]), from[0], static_cast<double>(n),
           eps, m, inv);
    if (mean) mean[r] = m;
    if (inv_sd) inv_sd[r] = inv;
    for (std::size_t i = 0; i < n; ++i) to[i] = (from[i] - m) * inv * weight[i] + bias[i];
  });
}

void layer_norm_backward(std::size_t rows, std::size_t n, const float* x, const float* weight,
                         const float* mean, const float* inv_sd, const float* dy, float* dx,
                         float* dweight, float* dbias) {
  for_columns(n, [&](std::size_t first, std::size_t count) {
    Sums sums[kColumns];
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t at = r * n + first;
      for (std::size_t c = 0; c < count; ++c) {
        sums[c].first += dy[at + c];
        sums[c].second += static_cast<double>(dy[at + c]) * (x[at + c] - mean[r]) * inv_sd[r];
      }
    }
    for (std::size_t c = 0; c < count; ++c) {
      dweight[first + c] = static_cast<float>(sums[c].second);
      dbias[first + c] = static_cast<float>(sums[c].first);
    }
  });
  if (!dx) return;
  parallel_tiles(rows, [&](std::size_t r) {
    const float *h = x + r * n, *g = dy + r * n;
    double sum = 0, product = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double gi = static_cast<double>(g[i]) * weight[i];
      sum += gi;
      product += gi * (h[i] - mean[r]);
    }
    const Way way({sum, product}, static_cast<double>(n), 1, inv_sd[r]);
    for (std::size_t i = 0; i < n; ++i) {
      dx[r * n + i] = way.a * (g[i] * weight[i]) + (way.b * (h[i] - mean[r]) + way.c);
    }
  });
}

}  // namespace scalemix::inline v0::kernel
#endif  // HWY_ONCE
