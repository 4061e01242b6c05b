// Log-normal noise whose size is a function of the data (information dropout): y = x exp(alpha e),
// alpha = least + most sigmoid(logit), number by number.
#pragma once

#include <cmath>
#include <cstddef>

namespace scalemix::inline v0::kernel {

struct SizedNoise {
  float least, most;  // alpha's range is (least, least + most)
};

/// logit (n) becomes its sigmoid, y (n), which may be x, the noisy numbers. Returns the sum of
/// -log(alpha / (least + most)).
double sized_noise(const SizedNoise& size, std::size_t n, const float* x, const float* e,
                   float* logit, float* y);

/// From dy (n), x, e and the sigmoids: dlogit (n) of dy and of weight times that sum, and dx (n), which
/// may be dy, by the noise itself alone; not with respect to logit. dx may be null.
void sized_noise_backward(const SizedNoise& size, std::size_t n, const float* x, const float* e,
                          const float* share, const float* dy, float weight, float* dlogit,
                          float* dx);

namespace ref {
inline double sized_noise(const SizedNoise& size, std::size_t n, const float* x, const float* e,
                          double* logit, double* y) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    logit[i] = 1 / (1 + std::exp(-logit[i]));
    const double alpha = size.least + size.most * logit[i];
    sum -= std::log(alpha / (double(size.least) + size.most));
    y[i] = x[i] * std::exp(alpha * e[i]);
  }
  return sum;
}

inline void sized_noise_backward(const SizedNoise& size, std::size_t n, const float* x,
                                 const float* e, const double* share, const float* dy,
                                 double weight, double* dlogit, double* dx) {
  for (std::size_t i = 0; i < n; ++i) {
    const double alpha = size.least + size.most * share[i], z = std::exp(alpha * e[i]);
    const double by_alpha = dy[i] * x[i] * z * e[i] - weight / alpha;
    dlogit[i] = by_alpha * size.most * share[i] * (1 - share[i]);
    dx[i] = dy[i] * z;
  }
}
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
