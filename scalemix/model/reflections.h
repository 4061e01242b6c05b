// Householder reflections of rows of numbers: H = I - 2 v v^T / |v|^2.
#pragma once

#include <cstddef>

namespace scalemix::inline v0::model {

template <class A, class B>
double dot(const A* a, const B* b, std::size_t n) {
  double sums[4] = {}, rest = 0;  // side by side
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += double(a[i + k]) * double(b[i + k]);
  }
  for (; i < n; ++i) rest += double(a[i]) * double(b[i]);
  return rest + (sums[0] + sums[2]) + (sums[1] + sums[3]);
}

/// z becomes H z; vv = |v|^2.
template <class T>
void reflect(const float* v, double vv, T* z, std::size_t n) {
  const double by = 2 * dot(v, z, n) / vv;
  for (std::size_t i = 0; i < n; ++i) z[i] = static_cast<T>(z[i] - by * v[i]);
}

/// What backward through H adds to dv, of z before and g after; g becomes that before.
template <class T>
void reflect_back(const float* v, double vv, const T* z, T* g, double* dv, std::size_t n) {
  const double vz = dot(v, z, n), vg = dot(v, g, n);
  for (std::size_t i = 0; i < n; ++i) {
    dv[i] += -2 * (vz * g[i] + vg * z[i]) / vv + 4 * vz * vg * v[i] / (vv * vv);
  }
  reflect(v, vv, g, n);
}

}  // namespace scalemix::inline v0::model
