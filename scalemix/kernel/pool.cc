#include "scalemix/kernel/pool.h"

#include <algorithm>
#include <cmath>
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
  const std::size_t oh = s.out_h(), ow = s.out_w(), stride = s.window.stride;
  const bool two = s.window.kernel == 2 && s.window.padding == 0;
  parallel_tiles(s.n * s.c, [&](std::size_t plane) {
    const std::size_t x = plane * s.h * s.w;
    std::size_t y = plane * oh * ow;
    for (std::size_t i = 0; i < oh; ++i) {
      const Range rows(s.window, i, s.h);
      if (two) {  // the usual window, of a size that the compiler knows
        const std::size_t top = rows.first;
        for (std::size_t j = 0; j < ow; ++j, ++y)
          body(x, Clipped{top, top + 2, j * stride, j * stride + 2}, y);
        continue;
      }
      for (std::size_t j = 0; j < ow; ++j, ++y) {
        const Range columns(s.window, j, s.w);
        body(x, Clipped{rows.first, rows.past, columns.first, columns.past}, y);
      }
    }
  });
}

}  // namespace

void max_pool2d(const Pool2d& shape, const float* x, float* y) {
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

}  // namespace scalemix::inline v0::kernel
