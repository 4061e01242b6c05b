// Which draws an op reads: the arguments seed, stream, draw, row0, width and columns, checked, and
// the host view of them that kernels take.
#pragma once

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/random/stream.h"
#include "scalemix/torch/op/operand.h"

namespace scalemix::inline v0::op {

/// Number of a training step or Monte-Carlo sample: a number, or a tensor, int64 of shape (). A
/// counter that goes up each step belongs in a tensor: compilers specialise on numbers.
class Draw {
 public:
  Draw(std::int64_t number) : number_(number) {}                         // NOLINT: implicit
  Draw(at::Tensor tensor) : tensor_(std::move(tensor)), given_(true) {}  // NOLINT: implicit

  /// The tensor; of a number, one like `seed`.
  at::Tensor beside(const at::Tensor& seed) const;

 private:
  std::int64_t number_ = 0;
  at::Tensor tensor_;
  bool given_ = false;
};
at::Tensor draw_tensor(const c10::SymInt& draw, const at::Tensor& seed);

struct Sources {
  at::Tensor seed;  // int64 (R)
  std::int64_t stream;
  at::Tensor draw;  // int64 ()
  std::int64_t row0 = 0, width = 0;
  OptionalTensor columns = {};  // int64 (columns)

  /// Throws c10::Error for numbers out of range: stream and draw have 32 bits, row0 and width no
  /// sign. A draw on another device is not read, which would wait for it: its low 32 bits count.
  void check(const char* op) const;
};

/// Types, shapes and devices of seed (R), draw () and columns (`count`) beside x (R, ...). Traced
/// shapes too.
void check_sources(const char* op, const at::Tensor& x, const at::Tensor& seed,
                   const at::Tensor& draw, const OptionalTensor& columns, const c10::SymInt& count);

using Samplers = std::vector<const law::Sampler*>;

/// Draws on the host: one stream a replica, one site.
class HostDraws {
 public:
  /// `site` gives rows, columns and inner; the rest comes from the sources. Checks that logical
  /// column numbers lie in [0, width).
  HostDraws(const char* op, const Sources& sources, kernel::Site site);

  Stream stream(std::int64_t replica) const;
  const kernel::Site& site() const { return site_; }

  /// z (R, rows, columns), float32, of one sampler, one per replica or one per replica and column.
  at::Tensor draws(const Samplers& samplers) const;

 private:
  void draw_columns(const law::Sampler* const* samplers, const Stream& stream, float* z) const;

  at::Tensor seed_, columns_;
  std::uint32_t stream_, draw_;
  kernel::Site site_;
};

/// The law of local reparameterisation, normal:scale=1.
const law::Sampler& standard_normal();

namespace composition {
/// Draws of `samplers` (one, R, or R * columns) by torch operators: float32 (R, rows, columns),
/// bit-equal to kernel::draws. Seed, draw and columns lie on the device of the result.
at::Tensor draws(const Samplers& samplers, const Sources& sources, std::int64_t rows,
                 std::int64_t column_count);
}  // namespace composition

}  // namespace scalemix::inline v0::op
