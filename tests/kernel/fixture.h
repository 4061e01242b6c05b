// What the kernels' tests share: inputs that are the same everywhere, sizes around every boundary,
// and every SIMD target of this machine in turn.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/kernel/target.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/random/stream.h"

namespace scalemix::kernel {

/// n numbers spread over [lo, hi); another `seed` gives others.
template <class T = float>
std::vector<T> values(std::size_t n, double lo, double hi, std::uint64_t seed = 1) {
  const Stream stream{.seed = seed};
  std::vector<T> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<T>(lo + (hi - lo) * stream.uniform(i));
  return out;
}

/// Sum of the products, in double.
inline double dot(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
  return sum;
}

/// Around one vector, one tile, and more tiles than a small loop has.
inline const std::vector<std::size_t> kSizes = {0,
                                                1,
                                                2,
                                                3,
                                                5,
                                                7,
                                                8,
                                                9,
                                                31,
                                                33,
                                                Tiles::kLeast - 1,
                                                Tiles::kLeast,
                                                Tiles::kLeast + 1,
                                                3 * Tiles::kLeast + 5};

/// Runs body() on every SIMD target that this machine has.
template <class Body>
void for_every_target(const Body& body) {
  struct Restore {
    ~Restore() { force_target(""); }
  } restore;
  for (const std::string& name : available_targets()) {
    SCOPED_TRACE("on " + name);
    force_target(name);
    ASSERT_EQ(active_target(), name);
    body();
  }
}

/// Runs body() with 1, 2 and 3 threads.
template <class Body>
void for_some_threads(const Body& body) {
  const int before = threads();
  for (int n = 1; n <= 3; ++n) {
    SCOPED_TRACE(std::to_string(n) + " threads");
    set_threads(n);
    body();
  }
  set_threads(before);
}

}  // namespace scalemix::kernel
