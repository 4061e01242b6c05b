// Which draws an op reads: the arguments seed, stream, draw, row0, width and columns, checked, and
// the host view of them that kernels take.
#pragma once

#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/random/stream.h"
#include "scalemix/torch/op/operand.h"

namespace scalemix::inline v0::op {

/// Types, shapes and devices of seed (R) and columns (`count`) beside x (R, ...). Traced shapes
/// too.
void check_sources(const char* op, const at::Tensor& x, const at::Tensor& seed,
                   const OptionalTensor& columns, const c10::SymInt& count);

struct Draws {
  std::int64_t stream, draw, row0, width;

  /// Throws c10::Error for numbers out of range: stream and draw have 32 bits, row0 and width no
  /// sign.
  void check(const char* op) const;
};

/// Draws on the host: one stream a replica, one site.
class HostDraws {
 public:
  /// `site` gives rows, columns and inner; the rest comes from the arguments. Checks that logical
  /// column numbers lie in [0, width).
  HostDraws(const char* op, const at::Tensor& seed, const Draws& draws,
            const OptionalTensor& columns, kernel::Site site);

  Stream stream(std::int64_t replica) const;
  const kernel::Site& site() const { return site_; }

 private:
  at::Tensor seed_, columns_;
  Draws draws_;
  kernel::Site site_;
};

/// Laws of the replicas from params, float64 (P) or (R, P).
std::vector<law::AnyLaw> laws_of(const std::string& name, const at::Tensor& params,
                                 std::int64_t replicas);

/// The law of local reparameterisation, normal:scale=1.
const law::Sampler& standard_normal();

namespace composition {
/// Draws of `samplers` (R of them, or one for all) by torch operators: float32 (R, rows, columns),
/// bit-equal to kernel::draws. `seed` int64 (R) and `columns` lie on the device of the result.
at::Tensor draws(const std::vector<const law::Sampler*>& samplers, const at::Tensor& seed,
                 const Draws& draws, std::int64_t rows, std::int64_t column_count,
                 const OptionalTensor& columns);
}  // namespace composition

}  // namespace scalemix::inline v0::op
