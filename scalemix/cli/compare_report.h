// What `compare` says at its end.
#pragma once

#include <iosfwd>

#include "scalemix/report/plot.h"
#include "scalemix/study/comparison.h"

namespace scalemix::inline v0::cli {

/// Means with standard errors, the differences that tests resolve, mean ranks, time.
void print_comparison(const study::Comparison& comparison, std::ostream& out);

/// Means with their standard errors, a panel per measure, and mean ranks with half the critical
/// difference to either side.
report::Figure figure_of(const study::Comparison& comparison);

}  // namespace scalemix::inline v0::cli
