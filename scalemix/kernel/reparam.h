// Local reparameterisation (Kingma, Salimans & Welling 2015): draw the pre-activation instead of the weights.
//
//   b = mean + sqrt(var + kEps) * zeta,   zeta standard normal, one an element of the site
//   backward: dmean = db;  dvar = db * zeta / (2 sqrt(var + kEps)), zeta redrawn
//
// mean, var, b (rows, columns), all contiguous; a convolution's columns are the NCHW offsets of a row.
#pragma once

#include "scalemix/kernel/noise.h"

namespace scalemix::inline v0::kernel {

inline constexpr float kReparamEps = 1e-8f;

/// b may be mean or var. `normal` is the sampler of law normal:scale=1.
void reparam(const law::Sampler& normal, const Stream& stream, const Site& site, const float* mean,
             const float* var, float* b);

/// dvar (rows, columns) is overwritten; it may be db.
void reparam_backward(const law::Sampler& normal, const Stream& stream, const Site& site,
                      const float* var, const float* db, float* dvar);

// namespace ref: the same in plain double (H2 writes it here).

}  // namespace scalemix::inline v0::kernel
