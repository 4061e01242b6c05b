// A mini-batch out of a data set: rows are picked and standardised in one pass.
//
//   out[b,k] = isnan(v) ? 0 : (v - mean[k]) / scale[k],   v = x[index[b], k]
//
// x (N, K), index (B) with values below N, mean and scale (K) or null (0 and 1), out (B, K).
// Subtraction and division round once each, so the result has the same bits on every target.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scalemix::inline v0::kernel {

void gather_standardised(const float* x, std::size_t width, std::size_t rows,
                         const std::uint32_t* index, const float* mean, const float* scale,
                         float* out);
void gather_standardised(const float* x, std::size_t width, std::size_t rows,
                         const std::int64_t* index, const float* mean, const float* scale,
                         float* out);

/// The first `rows` rows in order: what a predictor does to its input. out may be x.
void standardise_rows(const float* x, std::size_t width, std::size_t rows, const float* mean,
                      const float* scale, float* out);

}  // namespace scalemix::inline v0::kernel
