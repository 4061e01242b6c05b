// How well a score tells positives from negatives, such as rows of another data set from one's own: beside
// auroc() of classification.h. score (N), larger where positive is more likely; positive (N): nonzero for a
// positive.
//
// Both throw std::invalid_argument unless both kinds are there, std::domain_error for a NaN score.
#pragma once

#include <cstdint>
#include <span>

namespace scalemix::inline v0::metric {

/// Share of negatives at or above the threshold that lets `rate` of the positives through, at least: FPR95
/// at 0.95.
double false_positive_rate(std::span<const double> score, std::span<const std::uint8_t> positive,
                           double rate = 0.95);

/// Average precision: sum over thresholds of precision times the recall that is won there; rows with equal
/// scores come together. Source: Manning, Raghavan & Schuetze (2008), chapter 8.
double average_precision(std::span<const double> score, std::span<const std::uint8_t> positive);

}  // namespace scalemix::inline v0::metric
