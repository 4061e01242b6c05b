// Where the penalty -log p is not convex: there it shrinks a small weight more than a large one, so
// that several minima are possible, and the prior prefers few large weights to many small ones.
#pragma once

#include <vector>

#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::prior {

/// |v| from lo to hi: 0 and infinity where the slope falls to the ends of what was looked at, which
/// are 2^-30 and 2^8 median sizes, with a closed form 2^20.
struct Interval {
  double lo, hi;
};

/// The intervals of |v| on which the slope falls; their ends to 1e-6 of themselves.
std::vector<Interval> not_convex(const Prior& prior);

}  // namespace scalemix::inline v0::prior
