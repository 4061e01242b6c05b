#include "scalemix/kernel/loss.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace scalemix::inline v0::kernel {
namespace {

/// A row's logits: their largest, and the sum of e^(f - most).
struct Softmax {
  double most, sum = 0;

  Softmax(const float* f, std::size_t classes) : most(*std::max_element(f, f + classes)) {
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(f[c] - most);
  }
  double nll(double right) const { return std::log(sum) + most - right; }
};

const double kLog2Pi = std::log(2 * std::numbers::pi);

}  // namespace

double categorical_nll(std::size_t rows, std::size_t classes, const float* f,
                       const std::int64_t* label, float* df, const float* weights) {
  const double even = 1 / static_cast<double>(rows);
  double nll = 0;
  for (std::size_t r = 0; r < rows; ++r, f += classes, df += classes) {
    const double weight = weights ? weights[r] : 1, share = even * weight;
    const Softmax row(f, classes);
    nll += weight * row.nll(f[label[r]]);
    const double scale = share / row.sum;
    for (std::size_t c = 0; c < classes; ++c) {
      const double one = static_cast<std::int64_t>(c) == label[r] ? share : 0;
      df[c] = static_cast<float>(std::exp(f[c] - row.most) * scale - one);
    }
  }
  return nll * even;
}

double distil_nll(std::size_t rows, std::size_t classes, const float* f, const std::int64_t* row,
                  const std::int32_t* label, const float* soft, double temperature, double hard,
                  float* df) {
  const double even = 1 / static_cast<double>(rows), per = 1 / temperature;
  double sum = 0;
  for (std::size_t r = 0; r < rows; ++r, f += classes, df += classes) {
    const float* t = soft + static_cast<std::size_t>(row[r]) * classes;
    const auto right = static_cast<std::size_t>(label[row[r]]);
    const Softmax own(f, classes);
    const double most_f = own.most * per, most_t = *std::max_element(t, t + classes) * per;
    double sum_f = 0, sum_t = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      sum_f += std::exp(f[c] * per - most_f);
      sum_t += std::exp(t[c] * per - most_t);
    }
    double divergence = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      const double log_p = f[c] * per - most_f - std::log(sum_f),
                   log_q = t[c] * per - most_t - std::log(sum_t), q = std::exp(log_q);
      divergence += q > 0 ? q * (log_q - log_p) : 0;  // a teacher may rule a class out
      const double to_label = std::exp(f[c] - own.most) / own.sum - (c == right ? 1 : 0);
      df[c] = static_cast<float>(
          even * (hard * to_label + (1 - hard) * temperature * (std::exp(log_p) - q)));
    }
    sum += hard * own.nll(f[right]) + (1 - hard) * temperature * temperature * divergence;
  }
  return sum * even;
}

double gaussian_nll(std::size_t rows, std::size_t outputs, const float* f, const float* t,
                    const float* lp, float* df, float* dlp, const float* weights) {
  const double even = 1 / static_cast<double>(rows);
  double nll = 0;
  for (std::size_t o = 0; o < outputs; ++o) {
    const double precision = std::exp(static_cast<double>(lp[o]));
    double squares = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      const std::size_t i = r * outputs + o;
      const double error = static_cast<double>(t[i]) - f[i], weight = weights ? weights[r] : 1;
      squares += weight * error * error;
      df[i] = static_cast<float>(-precision * error * (even * weight));
    }
    const double fit = precision * squares * even;
    nll += (fit - lp[o] + kLog2Pi) / 2;
    if (dlp) dlp[o] = static_cast<float>((fit - 1) / 2);
  }
  return nll;
}

void categorical_nlls(std::size_t rows, std::size_t classes, const float* f,
                      const std::int64_t* label, float* nll) {
  for (std::size_t r = 0; r < rows; ++r, f += classes) {
    nll[r] = static_cast<float>(Softmax(f, classes).nll(f[label[r]]));
  }
}

void gaussian_nlls(std::size_t rows, std::size_t outputs, const float* f, const float* t,
                   const float* lp, float* nll) {
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0;
    for (std::size_t i = r * outputs, o = 0; o < outputs; ++o, ++i) {
      const double error = static_cast<double>(t[i]) - f[i];
      sum += (std::exp(static_cast<double>(lp[o])) * error * error - lp[o] + kLog2Pi) / 2;
    }
    nll[r] = static_cast<float>(sum);
  }
}

}  // namespace scalemix::inline v0::kernel
