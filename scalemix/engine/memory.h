// One block of memory for things that live at different times: those whose times do not overlap
// share a place.
#pragma once

#include <cstddef>
#include <vector>

namespace scalemix::inline v0::engine {

/// Something that is needed from one point of time to another, both included.
struct Lifetime {
  std::size_t floats = 0;
  std::size_t from = 0, to = 0;
};

struct Placement {
  std::vector<std::size_t> at;  // offset of each, in floats; a multiple of 16
  std::size_t floats = 0;       // of the whole block
};

/// The largest first, each at the lowest place that is free while it lives. The same for the same
/// list, always.
Placement place(const std::vector<Lifetime>& lifetimes);

}  // namespace scalemix::inline v0::engine
