// Classification measured class by class. p: probabilities, (N, C) row after row; label: (N), each in [0, C).
//
// With two classes the second is the positive one; with more the value is the mean over classes, each
// against the rest ("macro"), so that rare classes count as much as frequent ones. A class without rows
// of its own is left out.
//
// All throw std::invalid_argument for no rows or sizes that do not fit, std::domain_error for a
// label outside [0, C).
#pragma once

#include <cstdint>
#include <span>

namespace scalemix::inline v0::metric {

/// Area under the ROC curve of p[positive]; NaN where no class has rows both in it and outside, and where a
/// probability is NaN.
double class_auroc(std::span<const double> p, std::span<const std::int32_t> label);

/// Average precision of p[positive] (detection.h); NaN as above.
double class_average_precision(std::span<const double> p, std::span<const std::int32_t> label);

/// Mean over classes, of two also, of the share of a class's rows that are found (recall).
double balanced_accuracy(std::span<const double> p, std::span<const std::int32_t> label);

/// 2 hits / (2 hits + misses + false alarms). Classes that are predicted but have no rows count in the mean,
/// with 0; of two classes without a positive, predicted or true, it is 0.
double f1(std::span<const double> p, std::span<const std::int32_t> label);

}  // namespace scalemix::inline v0::metric
