#include "scalemix/kernel/loss.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scalemix::inline v0::kernel {

double categorical_nll(std::size_t rows, std::size_t classes, const float* f,
                       const std::int64_t* label, float* df) {
  const double share = 1 / static_cast<double>(rows);
  double nll = 0;
  for (std::size_t r = 0; r < rows; ++r, f += classes, df += classes) {
    const double most = *std::max_element(f, f + classes), right = f[label[r]];
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(f[c] - most);
    nll += std::log(sum) + most - right;
    const double scale = share / sum;
    for (std::size_t c = 0; c < classes; ++c) {
      const double one = static_cast<std::int64_t>(c) == label[r] ? share : 0;
      df[c] = static_cast<float>(std::exp(f[c] - most) * scale - one);
    }
  }
  return nll * share;
}

double gaussian_nll(std::size_t rows, std::size_t outputs, const float* f, const float* t,
                    const float* lp, float* df, float* dlp) {
  const double share = 1 / static_cast<double>(rows), log_2pi = std::log(2 * std::numbers::pi);
  double nll = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    const double precision = std::exp(static_cast<double>(lp[o]));
    double squares = 0;
    for (std::size_t i = o; i < rows * outputs; i += outputs) {
      const double error = static_cast<double>(t[i]) - f[i];
      squares += error * error;
      df[i] = static_cast<float>(-precision * error * share);
    }
    const double fit = precision * squares * share;
    nll += (fit - lp[o] + log_2pi) / 2;
    if (dlp) dlp[o] = static_cast<float>((fit - 1) / 2);
  }
  return nll;
}

}  // namespace scalemix::inline v0::kernel
