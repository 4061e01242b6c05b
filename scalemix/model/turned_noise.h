// The covariance of turned Gaussian noise, as sums that products can make (engine/turned.cc):
//
//   S = U A U^T = A + sum_t [ 4 k_t u_t u_t^T - 2 q_t u_t^T - 2 u_t q_t^T ],   U = H_T ... H_1
//   u_t = v_t / |v_t|,   q_t = S_(t-1) u_t,   k_t = u_t^T q_t
//
// so that a noise of its own for every output of a layer costs 2 T + 1 products beside that of the means.
#pragma once

#include <cstddef>

#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {

/// Where each part lies in what a kind at Where::columns prepares, and in its gradient.
struct Turned {
  std::size_t inputs, turns;

  /// Of that many floats.
  static Turned of(std::size_t inputs, std::size_t floats) {
    return {inputs, (floats - 2 * inputs) / (2 * inputs + 1)};
  }
  std::size_t floats() const { return 2 * inputs + turns * (2 * inputs + 1); }
  std::size_t alpha() const { return 0; }           // (K), the diagonal of A
  std::size_t mean() const { return inputs; }       // (K), of the noise
  std::size_t kappa() const { return 2 * inputs; }  // (T)
  std::size_t axis(std::size_t t) const { return 2 * inputs + turns + 2 * t * inputs; }  // u (K)
  std::size_t image(std::size_t t) const { return axis(t) + inputs; }                    // q (K)
};

/// Fills what is prepared of log alpha (K), reflectors v (T, K) and mean (K).
void prepare_turned(const Turned& turned, const float* log_alpha, const float* v, const float* mean,
                    float* out);

/// From d_prepared to those of log alpha and v, added; of the mean's, dmean (K) is for the caller.
void turned_back(const Turned& turned, const float* log_alpha, const float* v,
                 const float* d_prepared, float* dlog_alpha, float* dv);

}  // namespace scalemix::inline v0::model
