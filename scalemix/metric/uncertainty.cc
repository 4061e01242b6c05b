#include "scalemix/metric/uncertainty.h"

#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::metric {

double entropy(std::span<const double> p) {
  check(!p.empty(), "entropy", "no probabilities");
  double sum = 0;
  for (const double q : p) sum -= q == 0 ? 0 : q * std::log(q);
  return sum;
}

DrawUncertainty draw_uncertainty(std::span<const double> draws, std::size_t classes) {
  check(classes > 0 && !draws.empty() && draws.size() % classes == 0, "draw_uncertainty",
        "draws must be (draws, classes)");
  const double count = static_cast<double>(draws.size() / classes);
  std::vector<double> mean(classes);
  double aleatoric = 0;
  for (std::size_t i = 0; i < draws.size(); i += classes) {
    aleatoric += entropy(draws.subspan(i, classes)) / count;
    for (std::size_t c = 0; c < classes; ++c) mean[c] += draws[i + c] / count;
  }
  const double total = entropy(mean);
  // Equal draws leave a difference of rounding size, of either sign; the true one is never
  // negative.
  const double epistemic = total < aleatoric ? 0 : total - aleatoric;
  return {total, aleatoric, epistemic};
}

MeanError mean_and_error(std::span<const double> sample) {
  check(!sample.empty(), "mean_and_error", "no numbers");
  const double n = static_cast<double>(sample.size());
  double mean = 0, squares = 0;
  for (const double v : sample) mean += v / n;
  for (const double v : sample) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / (n - 1) / n)};
}

}  // namespace scalemix::inline v0::metric
