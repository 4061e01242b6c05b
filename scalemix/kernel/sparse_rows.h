// Rows that mostly repeat one base row (images on a black ground, categories one-hot), and their
// products with dense weights. What differs from the base is marked once per batch, one bit per number,
// by rows for the products and by columns for the gradients; the base enters once for all rows:
//
//   x[n][j]   = base[j]   + change[n][j],    y = x W^T + b,     dW = dy^T x,
//   x[n][j]^2 = base[j]^2 + square[n][j],    var = x^2 S^T,     dS = dvar^T x^2
//
// A product costs what is marked, not rows * columns. Bits: the same for any number of threads; a
// sum runs over what is marked, so they are not those of kernel/gemm.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scalemix/kernel/sparse_slice.h"

namespace scalemix::inline v0::kernel {

/// A view on memory that the caller keeps.
class SparseRows {
 public:
  static constexpr std::size_t kBlock = 2 * kSlice;  // rows that make a column

  /// Floats of memory for `rows` rows of `columns` numbers.
  static std::size_t memory(std::size_t rows, std::size_t columns);
  SparseRows(std::size_t rows, std::size_t columns, float* memory);

  /// Marks x (rows, columns) against base (columns); `squares` are what the moments need beside it.
  void mark(const float* x, const float* base, bool squares) const;

  /// Of what differs from the base, columns kSlice * k ... of row n; row rows() is the base, its
  /// zeros not marked.
  SparseSlice row(std::size_t n, std::size_t k) const {
    const std::size_t at = n * columns_ + k * kSlice;
    return {row_bits_[n * slices() + k], change_ + at, square_ + at};
  }
  /// Rows kBlock * block + kSlice * half ... of column j.
  SparseSlice column(std::size_t block, std::size_t j, std::size_t half) const {
    const std::size_t slice = 2 * (block * columns_ + j) + half;
    return {column_bits_[slice], change_by_column_ + slice * kSlice,
            square_by_column_ + slice * kSlice};
  }

  std::size_t rows() const { return rows_; }
  std::size_t columns() const { return columns_; }
  std::size_t slices() const { return (columns_ + kSlice - 1) / kSlice; }  // of a row
  std::size_t blocks() const { return (rows_ + kBlock - 1) / kBlock; }

 private:
  std::size_t rows_, columns_;
  std::uint64_t *row_bits_, *column_bits_;
  float *change_, *square_, *change_by_column_, *square_by_column_;
};

/// y (rows, out) = x w^T + b; w (out, columns); b (out) may be null.
void sparse_product(const SparseRows& x, std::size_t out, const float* w, const float* b, float* y);
/// dw (out, columns) = dy^T x; base as x was marked against.
void sparse_to_weights(const SparseRows& x, const float* base, std::size_t out, const float* dy,
                       float* dw);
/// Both moments at once: y as above and var (rows, out) = x^2 sigma2^T. For sigma2 >= 0 var is
/// never below 0, for rounding is monotone: square >= -base^2, and both are summed in the same
/// order.
void sparse_moments(const SparseRows& x, std::size_t out, const float* w, const float* b,
                    const float* sigma2, float* y, float* var);
void sparse_moments_to_weights(const SparseRows& x, const float* base, std::size_t out,
                               const float* dy, const float* dvar, float* dw, float* dsigma2);

}  // namespace scalemix::inline v0::kernel
