// The order of things that stay where they are.
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace scalemix::inline v0 {

/// 0 ... n - 1 such that before(a, b) never holds of a later a; equal ones in their own order.
template <class Before>
std::vector<std::size_t> sorted_order(std::size_t n, const Before& before) {
  std::vector<std::size_t> out(n);
  std::iota(out.begin(), out.end(), std::size_t{0});
  std::stable_sort(out.begin(), out.end(), before);
  return out;
}

/// From the smallest value on.
template <class Values>
std::vector<std::size_t> rising_order(const Values& values) {
  return sorted_order(values.size(),
                      [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
}

/// From the largest value on.
template <class Values>
std::vector<std::size_t> falling_order(const Values& values) {
  return sorted_order(values.size(),
                      [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
}

}  // namespace scalemix::inline v0
