#include "scalemix/predict/ensemble.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace scalemix::inline v0::predict {
namespace {

void check_sizes(std::span<const Prediction> predictions, Task task) {
  if (predictions.empty()) throw std::invalid_argument("combine: no predictions");
  const Prediction& first = predictions.front();
  for (const Prediction& p : predictions) {
    if (p.mean.size() != first.mean.size() || p.epistemic.size() != first.epistemic.size() ||
        p.aleatoric.size() != first.epistemic.size()) {
      throw std::invalid_argument(
          fmt::format("combine: predictions of different sizes, {} and {} means", first.mean.size(),
                      p.mean.size()));
    }
  }
  const std::size_t rows = first.epistemic.size(), means = first.mean.size();
  const bool fits = task == Task::regression ? rows == means
                    : rows                   ? means % rows == 0
                                             : means == 0;
  if (!fits) {
    throw std::invalid_argument(
        fmt::format("combine: {} means for {} variances or entropies", means, rows));
  }
}

/// Average of member `part`[i] over the predictions, in double.
double average(std::span<const Prediction> predictions, std::vector<float> Prediction::*part,
               std::size_t i) {
  double sum = 0;
  for (const Prediction& p : predictions) sum += (p.*part)[i];
  return sum / static_cast<double>(predictions.size());
}

double spread(std::span<const Prediction> predictions, double mean, std::size_t i) {
  double sum = 0;
  for (const Prediction& p : predictions) sum += (p.mean[i] - mean) * (p.mean[i] - mean);
  return sum / static_cast<double>(predictions.size());
}

double entropy_of_average(std::span<const Prediction> predictions, std::size_t row,
                          std::size_t classes) {
  double sum = 0;
  for (std::size_t k = 0; k < classes; ++k) {
    const double p = average(predictions, &Prediction::mean, row * classes + k);
    sum -= p > 0 ? p * std::log(p) : 0;
  }
  return sum;
}

}  // namespace

Prediction combine(std::span<const Prediction> predictions, Task task) {
  check_sizes(predictions, task);
  Prediction out = predictions.front();
  for (std::size_t i = 0; i < out.mean.size(); ++i) {
    out.mean[i] = static_cast<float>(average(predictions, &Prediction::mean, i));
  }
  const std::size_t rows = out.aleatoric.size();
  for (std::size_t i = 0; i < rows; ++i) {
    const double aleatoric = average(predictions, &Prediction::aleatoric, i);
    out.aleatoric[i] = static_cast<float>(aleatoric);
    if (task == Task::regression) {
      const double mean = average(predictions, &Prediction::mean, i);
      out.epistemic[i] = static_cast<float>(average(predictions, &Prediction::epistemic, i) +
                                            spread(predictions, mean, i));
    } else {
      const double total = entropy_of_average(predictions, i, out.mean.size() / rows);
      out.epistemic[i] = static_cast<float>(std::max(0.0, total - aleatoric));
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::predict
