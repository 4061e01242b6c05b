// Products of a training step with weights (out, columns) of which most are held at zero. What is left is
// listed once, for as long as the choice holds; the numbers move, so they are read where they lie:
//
//   y = x w^T + b,   dx = dy w,   dw[o][j] = sum_n dy[n][o] x[n][j] of what is left alone
//
// Rows of x and dy are turned, 64 at a time, so that one weight meets a vector of them. The same bits for
// any number of threads; sums run over what is left, so they are not those of kernel/gemm.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace scalemix::inline v0::kernel {

/// Where the weights lie that are left.
class LeftWeights {
 public:
  /// Lists the places of (out, columns), below 2^32, whose `on` is not 0.
  void list(std::size_t out, std::size_t columns, const std::uint8_t* on);
  /// Forgets them: a product is not to use them.
  void clear();
  bool listed() const { return !row_start_.empty(); }

  std::size_t out() const { return out_; }
  std::size_t columns() const { return columns_; }
  std::size_t left() const { return column_.size(); }
  /// How many are left before a place o * columns + j, which may be the end.
  std::size_t before(std::size_t place) const;
  /// The places of numbers [first, last) of the list, in rising order.
  void places(std::size_t first, std::size_t last, std::uint32_t* to) const;

  const std::uint32_t* row_start() const { return row_start_.data(); }        // (out + 1)
  const std::uint32_t* column() const { return column_.data(); }              // (left)
  const std::uint32_t* column_start() const { return column_start_.data(); }  // (columns + 1)
  const std::uint32_t* row() const { return row_.data(); }                    // (left)

 private:
  std::size_t out_ = 0, columns_ = 0;
  std::vector<std::uint32_t> row_start_, column_, column_start_, row_;
};

/// Floats of turned rows.
std::size_t turned_size(std::size_t rows, std::size_t columns);

/// Turns x (rows, columns).
void turn_rows(std::size_t rows, std::size_t columns, const float* x, float* turned);

/// y (rows, out) from turned x (rows, columns) and w (out, columns); b (out) may be null.
void left_product(const LeftWeights& left, std::size_t rows, const float* x, const float* w,
                  const float* b, float* y);

/// dx (rows, columns) from turned dy (rows, out).
void left_to_input(const LeftWeights& left, std::size_t rows, const float* dy, const float* w,
                   float* dx);

/// dw (out, columns) from turned x and dy; what is not left stays as it is.
void left_to_weights(const LeftWeights& left, std::size_t rows, const float* x, const float* dy,
                     float* dw);

}  // namespace scalemix::inline v0::kernel
