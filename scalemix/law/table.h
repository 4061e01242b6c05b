// Compiling a law's quantile into the tables of sampler.h.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace scalemix::inline v0::law {

using Quantile = std::function<double(double u)>;

/// Cubics through the quantile at four Chebyshev nodes of each segment, rounded to float.
struct CubicTable {
  std::uint32_t split;
  std::vector<float> coefficients;  // (2 * 23 * 2^split, 4)
};

/// The table with the fewest segments whose error, at the middle and the ends of each segment, is
/// at most half of kTableError * max(|Q|, larger quartile of |Q|). Throws std::domain_error if
/// kMaxSplit does not suffice.
CubicTable cubic_table(const Quantile& quantile);

/// The number of k = word >> 9 with quantile <= i, for i = 0, 1, ... until all 2^23 are counted.
struct StepTable {
  std::vector<std::uint32_t> thresholds;
  std::vector<std::uint32_t> start;  // (256) least i with k < thresholds[i], for k = 2^15 * index
};

/// For a law on 0, 1, 2, ...
StepTable step_table(const Quantile& quantile);

}  // namespace scalemix::inline v0::law
