#include "scalemix/model/turned_noise.h"

#include <algorithm>
#include <cmath>

#include "scalemix/model/noise_places.h"
#include "scalemix/model/reflections.h"

namespace scalemix::inline v0::model {
namespace {

/// All parts in double, at the same places.
std::vector<double>& parts(const Turned& at, const float* log_alpha, const float* v) {
  const std::size_t n = at.inputs;
  std::vector<double>& out = room<struct Parts>(at.floats());
  for (std::size_t i = 0; i < n; ++i) out[at.alpha() + i] = std::exp(double(log_alpha[i]));
  for (std::size_t t = 0; t < at.turns; ++t) {
    double *u = &out[at.axis(t)], *q = &out[at.image(t)];
    const float* vt = v + t * n;
    const double length = std::sqrt(dot(vt, vt, n));
    for (std::size_t i = 0; i < n; ++i) u[i] = vt[i] / length;
    for (std::size_t i = 0; i < n; ++i) q[i] = out[at.alpha() + i] * u[i];
    for (std::size_t s = 0; s < t; ++s) {
      const double *us = &out[at.axis(s)], *qs = &out[at.image(s)];
      const double a = dot(us, u, n), b = dot(qs, u, n), k = out[at.kappa() + s];
      for (std::size_t i = 0; i < n; ++i) q[i] += (4 * k * a - 2 * b) * us[i] - 2 * a * qs[i];
    }
    out[at.kappa() + t] = dot(u, q, n);
  }
  return out;
}

}  // namespace

void prepare_turned(const Turned& turned, const float* log_alpha, const float* v, const float* mean,
                    float* out) {
  const std::vector<double>& all = parts(turned, log_alpha, v);
  std::copy(all.begin(), all.end(), out);
  std::copy_n(mean, turned.inputs, out + turned.mean());
}

void turned_back(const Turned& turned, const float* log_alpha, const float* v,
                 const float* d_prepared, float* dlog_alpha, float* dv) {
  const Turned& at = turned;
  const std::size_t n = at.inputs;
  const std::vector<double>& all = parts(at, log_alpha, v);
  std::vector<double>& d = room<struct PartGradients>(at.floats());
  std::copy_n(d_prepared, at.floats(), d.begin());
  double* dalpha = &d[at.alpha()];
  for (std::size_t t = at.turns; t-- > 0;) {
    const double *u = &all[at.axis(t)], *q = &all[at.image(t)];
    double *du = &d[at.axis(t)], *dq = &d[at.image(t)];
    for (std::size_t i = 0; i < n; ++i) {
      dq[i] += d[at.kappa() + t] * u[i];
      du[i] += d[at.kappa() + t] * q[i] + all[at.alpha() + i] * dq[i];
      dalpha[i] += dq[i] * u[i];
    }
    for (std::size_t s = 0; s < t; ++s) {
      const double *us = &all[at.axis(s)], *qs = &all[at.image(s)];
      double *dus = &d[at.axis(s)], *dqs = &d[at.image(s)];
      const double a = dot(us, u, n), b = dot(qs, u, n), c = dot(dq, us, n), e = dot(dq, qs, n),
                   k = all[at.kappa() + s];
      d[at.kappa() + s] += 4 * a * c;
      for (std::size_t i = 0; i < n; ++i) {
        dus[i] += (4 * k * a - 2 * b) * dq[i] + (4 * k * c - 2 * e) * u[i];
        dqs[i] -= 2 * c * u[i] + 2 * a * dq[i];
        du[i] += (4 * k * c - 2 * e) * us[i] - 2 * c * qs[i];
      }
    }
    const float* vt = v + t * n;
    const double length = std::sqrt(dot(vt, vt, n)), along = dot(du, u, n);
    for (std::size_t i = 0; i < n; ++i) {
      dv[t * n + i] += static_cast<float>((du[i] - along * u[i]) / length);
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    dlog_alpha[i] += static_cast<float>(dalpha[i] * all[at.alpha() + i]);
  }
}

}  // namespace scalemix::inline v0::model
