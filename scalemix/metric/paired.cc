#include "scalemix/metric/paired.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/quadrature/gauss_kronrod.hpp>
#include <boost/math/tools/roots.hpp>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/base/order.h"
#include "scalemix/law/standard_normal.h"
#include "scalemix/metric/uncertainty.h"

namespace scalemix::inline v0::metric {

PairedTest paired_t(std::span<const double> a, std::span<const double> b) {
  check(a.size() == b.size() && a.size() >= 2, "paired_t", "expected two samples of the same size");
  std::vector<double> difference;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference.push_back(a[i] - b[i]);
    if (std::isnan(difference.back())) fail<std::domain_error>("paired_t", "NaN", a[i]);
  }
  const MeanError d = mean_and_error(difference);
  PairedTest out{d.mean, d.error, 1};
  if (d.error > 0) {
    const boost::math::students_t law(static_cast<double>(a.size() - 1));
    out.p = 2 * boost::math::cdf(boost::math::complement(law, std::abs(d.mean) / d.error));
  } else if (d.mean != 0) {
    out.p = 0;
  }
  return out;
}

double detectable(double error, std::size_t n, double level, double power) {
  check(n >= 2, "detectable", "expected two pairs at least");
  const boost::math::students_t law(static_cast<double>(n - 1));
  return error * (boost::math::quantile(law, 1 - level / 2) + boost::math::quantile(law, power));
}

std::vector<double> holm(std::span<const double> p) {
  const std::vector<std::size_t> order = rising_order(p);
  std::vector<double> out(p.size());
  double most = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    most = std::max(most, p[order[i]] * static_cast<double>(p.size() - i));
    out[order[i]] = std::min(1.0, most);
  }
  return out;
}

double normal_range_cdf(double q, std::size_t k) {
  if (q <= 0) return 0;
  const auto density = [&](double z) {
    const double within = law::standard_normal_cdf(z) - law::standard_normal_cdf(z - q);
    return static_cast<double>(k) * law::standard_normal_pdf(z) *
           std::pow(within, static_cast<double>(k - 1));
  };
  return boost::math::quadrature::gauss_kronrod<double, 61>::integrate(density, -8.0, 8.0 + q, 8,
                                                                       1e-10);
}

double critical_difference(std::size_t methods, std::size_t problems, double level) {
  if (methods < 2)
    fail<std::domain_error>("critical_difference", "methods must be 2 or more", methods);
  if (problems < 1) fail<std::domain_error>("critical_difference", "no problems", problems);
  boost::math::tools::eps_tolerance<double> tolerance(30);
  std::uintmax_t most = 200;
  const auto root = boost::math::tools::bisect(
      [&](double q) { return normal_range_cdf(q, methods) - (1 - level); }, 1e-3, 50.0, tolerance,
      most);
  const double q = (root.first + root.second) / 2 / std::sqrt(2.0);
  const auto k = static_cast<double>(methods), n = static_cast<double>(problems);
  return q * std::sqrt(k * (k + 1) / (6 * n));
}

}  // namespace scalemix::inline v0::metric
