// How a loop over n numbers is cut: at most 64 tiles whose size depends on n alone, never on
// threads. Partial sums fit on the stack and combine in tile order, so a sum has the same bits for
// any number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>

#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::kernel {

struct Tiles {
  static constexpr std::size_t kMost = 64, kLeast = 8192, kStep = 64;
  std::size_t n, size;

  explicit Tiles(std::size_t n) : n(n), size(kLeast) {
    const std::size_t even = (n + kMost - 1) / kMost;
    size = std::max(kLeast, (even + kStep - 1) / kStep * kStep);
  }
  std::size_t count() const { return (n + size - 1) / size; }
  std::size_t first(std::size_t tile) const { return tile * size; }
  std::size_t length(std::size_t tile) const { return std::min(size, n - tile * size); }
};

/// Runs body(first, length) for every tile of n numbers.
template <class Body>
void for_tiles(std::size_t n, Body&& body) {
  const Tiles tiles(n);
  parallel_tiles(tiles.count(), [&](std::size_t t) { body(tiles.first(t), tiles.length(t)); });
}

/// Sum over tiles of double body(first, length), added in tile order.
template <class Body>
double sum_tiles(std::size_t n, Body&& body) {
  const Tiles tiles(n);
  std::array<double, Tiles::kMost> part{};
  parallel_tiles(tiles.count(),
                 [&](std::size_t t) { part[t] = body(tiles.first(t), tiles.length(t)); });
  double sum = 0;
  for (double p : part) sum += p;
  return sum;
}

}  // namespace scalemix::inline v0::kernel
