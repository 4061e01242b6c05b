#include "scalemix/engine/memory.h"

#include "scalemix/base/order.h"
#include "scalemix/kernel/line.h"

#include <algorithm>

namespace scalemix::inline v0::engine {
namespace {

bool overlap(const Lifetime& a, const Lifetime& b) { return a.from <= b.to && b.from <= a.to; }

/// The lowest offset of `floats` floats that none of the taken places, sorted by offset, touches.
std::size_t gap(const std::vector<std::pair<std::size_t, std::size_t>>& taken, std::size_t floats) {
  std::size_t at = 0;
  for (const auto& [first, past] : taken) {
    if (at + floats <= first) break;
    at = std::max(at, past);
  }
  return at;
}

}  // namespace

Placement place(const std::vector<Lifetime>& lifetimes) {
  const std::vector<std::size_t> order = sorted_order(
      lifetimes.size(),
      [&](std::size_t a, std::size_t b) { return lifetimes[a].floats > lifetimes[b].floats; });
  Placement out;
  out.at.resize(lifetimes.size());
  std::vector<std::size_t> placed;
  for (const std::size_t i : order) {
    const std::size_t floats = kernel::whole_lines(lifetimes[i].floats);
    if (floats == 0) continue;
    std::vector<std::pair<std::size_t, std::size_t>> taken;
    for (const std::size_t j : placed) {
      if (overlap(lifetimes[i], lifetimes[j])) {
        taken.emplace_back(out.at[j], out.at[j] + kernel::whole_lines(lifetimes[j].floats));
      }
    }
    std::sort(taken.begin(), taken.end());
    out.at[i] = gap(taken, floats);
    out.floats = std::max(out.floats, out.at[i] + floats);
    placed.push_back(i);
  }
  return out;
}

}  // namespace scalemix::inline v0::engine
