// How conv_sparse.h cuts a convolution: images channels last, with their padding, so that what a
// place (an output pixel) meets are k runs of k C numbers; panels of these numbers; slices of
// places.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "scalemix/kernel/conv.h"
#include "scalemix/kernel/sparse_slice.h"
#include "scalemix/kernel/unfold.h"

namespace scalemix::inline v0::kernel::channels_last {

inline constexpr std::size_t kSlack = 16;  // floats that whole vectors reach beyond an end

/// A run of numbers of a panel that lie side by side in an image.
struct Run {
  std::size_t image, panel, count;  // where it begins in each
};

/// What is not zero in dy or dvar: a row of a panel, and what it is multiplied by.
struct Entry {
  std::uint32_t row;
  float dy, dvar;
};

/// The images channels last, with their padding, and the panels of what a place meets.
struct Last {
  const Conv2d& s;
  std::size_t height, width, row;   // of a padded image; floats of its row
  std::size_t image, run, depth;    // floats of an image, of a run, of a place
  std::size_t panel_width, panels;  // numbers of a place in a panel
  std::size_t pixels, slices, tiles;

  Last(const Conv2d& s, bool moments)
      : s(s),
        height(s.h + 2 * s.window.padding),
        width(s.w + 2 * s.window.padding),
        row(width * s.c),
        image(height * row),
        run(s.window.kernel * s.c),
        depth(s.window.kernel * run),
        panel_width(moments ? kHalf : kPanel),
        panels(unfold::ceil_div(depth, panel_width)),
        pixels(s.out_h() * s.out_w()),
        slices(unfold::ceil_div(pixels, kSlice)),
        tiles(std::min(s.n, unfold::kTiles)) {}

  /// Where number q of a place, channels last, is in the weights of an output.
  std::size_t weight(std::size_t q) const {
    const std::size_t k = s.window.kernel;
    return q % s.c * k * k + q / s.c;
  }
  std::size_t in_panel(std::size_t panel) const {
    return std::min(panel_width, depth - panel * panel_width);
  }
  /// Runs of a panel; returns how many.
  std::size_t runs(std::size_t panel, std::array<Run, kPanel + 1>& out) const {
    const std::size_t begin = panel * panel_width, end = begin + in_panel(panel);
    std::size_t n = 0;
    for (std::size_t q = begin; q < end;) {
      const std::size_t a = q / run, next = std::min(end, (a + 1) * run);
      out[n++] = {a * row + q - a * run, q - begin, next - q};
      q = next;
    }
    return n;
  }
  /// Floats from the image's begin to what output pixel p meets first.
  std::size_t place(std::size_t p) const {
    return (p / s.out_w() * row + p % s.out_w() * s.c) * s.window.stride;
  }

  // Scratch: the packed weights, then of each tile its sums, its image and the gradient of it, and
  // what is not zero in a slice, by outputs and by places.
  std::size_t packed() const { return panels * s.o * kPanel; }
  std::size_t standing() const { return image + kSlack; }
  std::size_t entries() const { return kSlice * s.o * sizeof(Entry) / sizeof(float); }
  std::size_t tile() const {
    return packed() + 2 * (standing() + entries()) + (s.o + 1) + (kSlice + 1);
  }
};

}  // namespace scalemix::inline v0::kernel::channels_last
