// Local reparameterisation (Kingma, Salimans & Welling 2015): draw the pre-activation instead of
// the weights.
//
//   b = mean + sqrt(var + eps) * zeta,   zeta standard normal, one an element of the site
//   backward: dmean = db;  dvar = db * zeta / (2 sqrt(var + eps)), zeta redrawn;  eps = 1e-8
//
// mean, var, b (rows, columns), all contiguous; a convolution's columns are the NCHW offsets of a
// row. site.inner is not used. Requires var >= 0. Draws are used in the loop that makes them and
// stored nowhere. Square root, product, sum and quotient are rounded exactly and never fused, so
// results have the same bits on every SIMD target and for any number of threads.
#pragma once

#include <cmath>

#include "scalemix/kernel/noise.h"

namespace scalemix::inline v0::kernel {

inline constexpr float kReparamEps = 1e-8f;

/// b may be mean or var. `normal` is the sampler of law normal:scale=1.
/// `slope`, if given, receives zeta / (2 sqrt(var + eps)): dvar is db times it, and need not draw
/// again. It may be var.
void reparam(const law::Sampler& normal, const Stream& stream, const Site& site, const float* mean,
             const float* var, float* b, float* slope = nullptr);

/// dvar (rows, columns) is overwritten; it may be db.
void reparam_backward(const law::Sampler& normal, const Stream& stream, const Site& site,
                      const float* var, const float* db, float* dvar);

namespace ref {
/// zeta of the element at place `i` of the site.
inline float zeta(const law::Sampler& normal, const Stream& stream, const Site& site,
                  std::size_t i) {
  const std::uint64_t width = site.width ? site.width : site.columns;
  const std::size_t row = i / site.columns, column = i % site.columns;
  const std::uint64_t logical = site.logical ? site.logical[column] : column;
  return normal(stream.word(site.row(row) * width + logical));
}

/// The specification, one element at a time. T is float or double.
template <class T>
void reparam(const law::Sampler& normal, const Stream& stream, const Site& site, const T* mean,
             const T* var, T* b) {
  for (std::size_t i = 0; i < site.rows * site.columns; ++i) {
    b[i] = mean[i] + std::sqrt(var[i] + T{kReparamEps}) * zeta(normal, stream, site, i);
  }
}

template <class T>
void reparam_backward(const law::Sampler& normal, const Stream& stream, const Site& site,
                      const T* var, const T* db, T* dvar) {
  for (std::size_t i = 0; i < site.rows * site.columns; ++i) {
    dvar[i] = db[i] * zeta(normal, stream, site, i) / (2 * std::sqrt(var[i] + T{kReparamEps}));
  }
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
