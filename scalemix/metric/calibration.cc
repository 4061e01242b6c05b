#include "scalemix/metric/calibration.h"

#include <algorithm>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::metric {

double best_temperature(std::span<const float> logits, std::size_t draws,
                        std::span<const std::int32_t> label) {
  constexpr const char* kWho = "best_temperature";
  const std::size_t rows = label.size();
  check(rows > 0 && draws > 0 && logits.size() % (draws * rows) == 0, kWho, "sizes do not fit");
  const std::size_t classes = logits.size() / draws / rows;
  const auto nll = [&](double log_temperature) {
    const double per = std::exp(-log_temperature);
    double sum = 0;
    for (std::size_t n = 0; n < rows; ++n) {
      double p = 0;
      for (std::size_t t = 0; t < draws; ++t) {
        const float* f = logits.data() + (t * rows + n) * classes;
        const double most = *std::max_element(f, f + classes) * per;
        double all = 0;
        for (std::size_t c = 0; c < classes; ++c) all += std::exp(f[c] * per - most);
        p += std::exp(f[label[n]] * per - most) / all / static_cast<double>(draws);
      }
      sum -= std::log(std::max(p, std::numeric_limits<double>::min()));
    }
    return sum / static_cast<double>(rows);
  };
  constexpr int kBits = 30;
  return std::exp(
      boost::math::tools::brent_find_minima(nll, std::log(0.05), std::log(20.0), kBits).first);
}

double conformal_quantile(std::span<const double> scores, double level) {
  constexpr const char* kWho = "conformal_quantile";
  check(!scores.empty(), kWho, "no scores");
  if (!(level > 0 && level < 1)) fail<std::domain_error>(kWho, "level must be in (0, 1)", level);
  std::vector<double> sorted(scores.begin(), scores.end());
  for (const double s : sorted) {
    if (std::isnan(s)) fail<std::domain_error>(kWho, "a score is NaN", s);
  }
  // The rounding of level (n + 1) must not push a whole number up.
  const double rank = std::ceil(static_cast<double>(sorted.size() + 1) * level - 1e-9);
  if (rank > static_cast<double>(sorted.size())) return std::numeric_limits<double>::infinity();
  const auto at = sorted.begin() + static_cast<std::ptrdiff_t>(std::max(rank, 1.0) - 1);
  std::nth_element(sorted.begin(), at, sorted.end());
  return *at;
}

}  // namespace scalemix::inline v0::metric
