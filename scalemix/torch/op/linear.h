// Dense layers of a stack of replicas, through kernel::gemm one replica at a time: a replica's
// numbers never depend on how many stand beside it.
//
//   linear   y = x w^T + b                  dx = dy w,  dw = dy^T x,  db = column sums of dy
//   product  c = a' b', a' = a or a^T       da = dc b'^T, db = a'^T dc, transposed where the
//   operand is
//
// Both can be differentiated any number of times. float64 runs through the double product; half and
// bfloat16 compute in float32 and round once. All operands share one type and one device.
#pragma once

#include <ATen/core/Tensor.h>

namespace scalemix::inline v0::op {

/// y (R, N, O) of x (R, N, I), w (R, O, I) and b (R, O); b may be undefined.
at::Tensor linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b = {});

/// c (R, m, n) of a (R, m, k), or (R, k, m) with ta, and b (R, k, n), or (R, n, k) with tb.
at::Tensor product(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb);

/// Sums over the rows: (R, N, K) to (R, K), accumulated in double in row order.
at::Tensor column_sums(const at::Tensor& x);

namespace composition {
at::Tensor linear(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b = {});
at::Tensor product(const at::Tensor& a, const at::Tensor& b, bool ta, bool tb);
at::Tensor column_sums(const at::Tensor& x);
}  // namespace composition

}  // namespace scalemix::inline v0::op
