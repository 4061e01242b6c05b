#include "scalemix/kernel/pool.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::kernel {
namespace {

/// A window, clipped to the image.
struct Clipped {
  std::size_t top, bottom, left, right;
};

/// The first and past the last place of a window on an axis.
struct Range {
  std::size_t first, past;

  Range(const Window& w, std::size_t at, std::size_t length)
      : first(std::max(at * w.stride, w.padding) - w.padding),
        past(std::min(at * w.stride + w.kernel - w.padding, length)) {}
};

/// Calls body(plane, window, out) for every place of every plane: where the plane begins in x, the
/// window in it, and its place in y.
template <class Body>
void for_windows(const Pool2d& s, const Body& body) {
  const std::size_t oh = s.out_h(), ow = s.out_w();
  parallel_tiles(s.n * s.c, [&](std::size_t plane) {
    std::size_t y = plane * oh * ow;
    for (std::size_t i = 0; i < oh; ++i) {
      const Range rows(s.window, i, s.h);
      for (std::size_t j = 0; j < ow; ++j, ++y) {
        const Range columns(s.window, j, s.w);
        body(plane * s.h * s.w, Clipped{rows.first, rows.past, columns.first, columns.past}, y);
      }
    }
  });
}

/// The usual window, 2 x 2 side by side: its rows are loops without a branch.
bool is_two_by_two(const Window& w) { return w.kernel == 2 && w.stride == 2 && w.padding == 0; }

/// Calls body(x, y) for every row of windows: where its upper row begins in x, and its place in y.
template <class Body>
void for_rows_of_two(const Pool2d& s, const Body& body) {
  const std::size_t oh = s.out_h(), ow = s.out_w();
  parallel_tiles(s.n * s.c, [&](std::size_t plane) {
    for (std::size_t i = 0; i < oh; ++i) body((plane * s.h + 2 * i) * s.w, (plane * oh + i) * ow);
  });
}

/// All ones if v takes the place of the largest so far, else 0; NaN does, and is never replaced.
inline std::uint32_t takes(float v, float most) {
  return 0u - static_cast<std::uint32_t>((v > most) | ((v != v) & (most == most)));
}

/// `yes` where the mask is set, else `no`; a branch that depended on the image would be guessed
/// wrong half of the time.
inline float select(std::uint32_t mask, float yes, float no) {
  return std::bit_cast<float>((std::bit_cast<std::uint32_t>(yes) & mask) |
                              (std::bit_cast<std::uint32_t>(no) & ~mask));
}

void max_of_two(std::size_t n, const float* __restrict upper, const float* __restrict lower,
                float* __restrict y) {
  for (std::size_t j = 0; j < n; ++j) {
    const float a = upper[2 * j], b = upper[2 * j + 1], c = lower[2 * j], d = lower[2 * j + 1];
    const float first = select(takes(b, a), b, a), second = select(takes(d, c), d, c);
    y[j] = select(takes(second, first), second, first);
  }
}

void max_of_two_backward(std::size_t n, const float* __restrict upper,
                         const float* __restrict lower, const float* __restrict dy,
                         float* __restrict dupper, float* __restrict dlower) {
  for (std::size_t j = 0; j < n; ++j) {
    const float a = upper[2 * j], b = upper[2 * j + 1], c = lower[2 * j], d = lower[2 * j + 1];
    const std::uint32_t right = takes(b, a), lower_right = takes(d, c);
    const std::uint32_t down = takes(select(lower_right, d, c), select(right, b, a));
    const float up = select(down, 0, dy[j]), low = select(down, dy[j], 0);
    dupper[2 * j] = select(right, 0, up);
    dupper[2 * j + 1] = select(right, up, 0);
    dlower[2 * j] = select(lower_right, 0, low);
    dlower[2 * j + 1] = select(lower_right, low, 0);
  }
}

}  // namespace

void max_pool2d(const Pool2d& shape, const float* x, float* y) {
  if (is_two_by_two(shape.window)) {
    return for_rows_of_two(shape, [&](std::size_t at, std::size_t out) {
      max_of_two(shape.out_w(), x + at, x + at + shape.w, y + out);
    });
  }
  for_windows(shape, [&](std::size_t plane, const Clipped& at, std::size_t out) {
    float most = -std::numeric_limits<float>::infinity();
    for (std::size_t i = at.top; i < at.bottom; ++i) {
      for (std::size_t j = at.left; j < at.right; ++j) {
        const float v = x[plane + i * shape.w + j];
        if (v > most || std::isnan(v)) most = v;
      }
    }
    y[out] = most;
  });
}

void avg_pool2d(const Pool2d& shape, const float* x, float* y) {
  const float area = static_cast<float>(shape.window.kernel * shape.window.kernel);
  for_windows(shape, [&](std::size_t plane, const Clipped& at, std::size_t out) {
    float sum = 0;
    for (std::size_t i = at.top; i < at.bottom; ++i) {
      for (std::size_t j = at.left; j < at.right; ++j) sum += x[plane + i * shape.w + j];
    }
    y[out] = sum / area;
  });
}

void max_pool2d_backward(const Pool2d& shape, const float* x, const float* dy, float* dx) {
  std::fill_n(dx, shape.n * shape.c * shape.h * shape.w, 0.0f);
  if (is_two_by_two(shape.window)) {
    return for_rows_of_two(shape, [&](std::size_t at, std::size_t out) {
      max_of_two_backward(shape.out_w(), x + at, x + at + shape.w, dy + out, dx + at,
                          dx + at + shape.w);
    });
  }
  for_windows(shape, [&](std::size_t plane, const Clipped& at, std::size_t out) {
    std::size_t best = plane + at.top * shape.w + at.left;
    for (std::size_t i = at.top; i < at.bottom; ++i) {
      for (std::size_t j = at.left; j < at.right; ++j) {
        const std::size_t place = plane + i * shape.w + j;
        if (x[place] > x[best] || (std::isnan(x[place]) && !std::isnan(x[best]))) best = place;
      }
    }
    dx[best] += dy[out];
  });
}

void avg_pool2d_backward(const Pool2d& shape, const float* dy, float* dx) {
  const float area = static_cast<float>(shape.window.kernel * shape.window.kernel);
  std::fill_n(dx, shape.n * shape.c * shape.h * shape.w, 0.0f);
  for_windows(shape, [&](std::size_t plane, const Clipped& at, std::size_t out) {
    for (std::size_t i = at.top; i < at.bottom; ++i) {
      for (std::size_t j = at.left; j < at.right; ++j)
        dx[plane + i * shape.w + j] += dy[out] / area;
    }
  });
}

namespace {

/// Place of the first largest of a plane; of the first NaN, if there is one.
std::size_t largest(std::size_t inner, const float* x) {
  std::size_t at = 0;
  for (std::size_t i = 1; i < inner; ++i) {
    if (takes(x[i], x[at])) at = i;
  }
  return at;
}

}  // namespace

void max_plane(std::size_t planes, std::size_t inner, const float* x, float* y) {
  parallel_tiles(planes, [=](std::size_t p) {
    const float* plane = x + p * inner;
    y[p] = plane[largest(inner, plane)];
  });
}

void mean_plane(std::size_t planes, std::size_t inner, const float* x, float* y) {
  parallel_tiles(planes, [=](std::size_t p) {
    double sum = 0;
    for (std::size_t i = 0; i < inner; ++i) sum += x[p * inner + i];
    y[p] = static_cast<float>(sum / static_cast<double>(inner));
  });
}

void max_plane_backward(std::size_t planes, std::size_t inner, const float* x, const float* dy,
                        float* dx) {
  parallel_tiles(planes, [=](std::size_t p) {
    std::fill_n(dx + p * inner, inner, 0.0f);
    dx[p * inner + largest(inner, x + p * inner)] = dy[p];
  });
}

void mean_plane_backward(std::size_t planes, std::size_t inner, const float* dy, float* dx) {
  parallel_tiles(planes, [=](std::size_t p) {
    std::fill_n(dx + p * inner, inner, dy[p] / static_cast<float>(inner));
  });
}

}  // namespace scalemix::inline v0::kernel
