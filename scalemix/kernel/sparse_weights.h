// Products of dense rows with weights (out, columns) of which most are zero: y = x w^T + b. The weights
// are packed once, in two orders:
//
//   by rows     what is left of each row of w, one number after the other: for many rows of x at a
//               time, transposed so that one weight meets a vector of them
//   by slices   16 rows of w side by side, the longest rows first, so that one vector of weights meets
//               16 numbers of one row of x (sliced ELLPACK; Monakov, Lokhmotov & Avetisyan 2010), which are
//               gathered or, where gathers are slow, loaded one by one
//
// A weight that is zero is not read, so that 0 times infinity does not come about. The same bits for any
// number of threads; sums run over what is left, so they are not those of kernel/gemm.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace scalemix::inline v0::kernel {

inline constexpr std::size_t kFewRows = 2;  // of x, taken one by one, by slices; more by rows

/// How many weights of each row (out) are not zero.
std::vector<std::uint32_t> left_per_row(std::size_t out, std::size_t columns, const float* w);

/// Floats of packed weights with so many left in each row.
std::size_t sparse_weights_size(std::span<const std::uint32_t> left);

/// How the numbers of one row of x are fetched.
enum class Fetch { gather, load };

/// The faster one on this processor: gathers of AMD's up to Zen 4 take more than a load per number.
Fetch best_fetch();

/// Packs w (out, columns), 16 floats to a line: `packed` should be aligned to 64 bytes.
void pack_sparse_weights(std::size_t out, std::size_t columns, const float* w, float* packed,
                         Fetch fetch = best_fetch());

/// Floats of scratch for `rows` rows.
std::size_t sparse_weights_scratch(std::size_t rows, std::size_t columns);

/// y (rows, out) = x (rows, columns) w^T + b; b (out) may be null.
void sparse_weights_product(std::size_t rows, std::size_t out, std::size_t columns, const float* x,
                            const float* packed, const float* b, float* scratch, float* y);

}  // namespace scalemix::inline v0::kernel
