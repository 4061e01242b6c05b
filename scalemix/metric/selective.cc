#include "scalemix/metric/selective.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/base/order.h"

namespace scalemix::inline v0::metric {

std::vector<RiskPoint> risk_coverage(std::span<const double> confidence,
                                     std::span<const double> loss) {
  constexpr const char* kWho = "risk_coverage";
  check(!loss.empty() && confidence.size() == loss.size(), kWho,
        "expected as many of both, not none");
  for (std::size_t i = 0; i < loss.size(); ++i) {
    if (std::isnan(confidence[i]) || std::isnan(loss[i])) {
      fail<std::domain_error>(kWho, "NaN in row", i);
    }
  }
  const std::vector<std::size_t> order = falling_order(confidence);
  std::vector<RiskPoint> out;
  double sum = 0;
  for (std::size_t first = 0, last; first < order.size(); first = last) {
    double tied = 0;
    for (last = first;
         last < order.size() && confidence[order[last]] == confidence[order[first]];) {
      tied += loss[order[last++]];
    }
    const double each = tied / static_cast<double>(last - first);
    for (std::size_t i = first; i < last; ++i) {
      sum += each;
      const auto n = static_cast<double>(i + 1);
      out.push_back({n / static_cast<double>(order.size()), sum / n});
    }
  }
  return out;
}

double area_under_risk(std::span<const RiskPoint> curve) {
  double sum = 0;
  for (const RiskPoint& point : curve) sum += point.risk;
  return curve.empty() ? 0 : sum / static_cast<double>(curve.size());
}

}  // namespace scalemix::inline v0::metric
