// How good predicted class probabilities are. p: probabilities, (N, C) row after row; label: (N),
// each in [0, C). C is p's size over label's.
//
// All throw std::invalid_argument for no rows or sizes that do not fit, std::domain_error for a
// label outside [0, C). Probabilities are taken as they are: rows need not sum to exactly 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace scalemix::inline v0::metric {

/// Share of rows whose most probable class (the first, if several tie) is the label; a row of NaN
/// is wrong.
double accuracy(std::span<const double> p, std::span<const std::int32_t> label);

/// 1 - accuracy.
double error_rate(std::span<const double> p, std::span<const std::int32_t> label);

/// Cross entropy: mean of -log p[label], in nats; infinite where a label has probability 0.
double nll(std::span<const double> p, std::span<const std::int32_t> label);

/// Mean over rows of sum_c (p_c - [c = label])^2, in [0, 2] (Brier 1950).
double brier(std::span<const double> p, std::span<const std::int32_t> label);

/// Expected calibration error (Naeini, Cooper & Hauskrecht 2015): sum over bins of share *
/// |accuracy - mean confidence|, confidence the largest probability of a row. Bins are equally wide
/// and hold their upper end: 1 falls in the last, 0 in the first. Throws std::domain_error if bins
/// is 0.
double calibration_error(std::span<const double> p, std::span<const std::int32_t> label,
                         std::size_t bins = 15);

/// A bin of a reliability diagram: rows with confidence in (lower, upper].
struct ReliabilityBin {
  double lower, upper;
  double share;                 // of all rows
  double confidence, accuracy;  // means; NaN of an empty bin
};
/// The bins that calibration_error() sums over.
std::vector<ReliabilityBin> reliability(std::span<const double> p,
                                        std::span<const std::int32_t> label, std::size_t bins = 15);

/// (C, C): rows of class `row` that were predicted as class `column`.
std::vector<std::size_t> confusion(std::span<const double> p, std::span<const std::int32_t> label);

/// Area under the ROC curve: the probability that a positive row scores above a negative one, ties
/// counting half (Mann & Whitney). positive (N): nonzero for a positive. Throws
/// std::invalid_argument unless both kinds are there, std::domain_error for a NaN score.
double auroc(std::span<const double> score, std::span<const std::uint8_t> positive);

}  // namespace scalemix::inline v0::metric
