#include "scalemix/prior/hyper_prior.h"

#include <algorithm>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "scalemix/base/check.h"
#include "scalemix/base/known.h"

namespace scalemix::inline v0::prior {
namespace {

using Values = std::span<const double>;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kLog2Pi = 1.8378770664093454836;

/// The least of cost over the roots of `slope` between neighbouring points; the slope has at most one
/// between each two.
template <class Slope, class Cost>
double best_root(const Slope& slope, const Cost& cost, const std::vector<double>& points) {
  double best = points.front(), least = kInf;
  const auto consider = [&](double l) {
    if (const double c = cost(l); c < least) least = c, best = l;
  };
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const double lo = points[i], hi = points[i + 1], at_lo = slope(lo), at_hi = slope(hi);
    if (at_lo == 0) consider(lo);
    if (at_hi == 0) consider(hi);
    if (!(at_lo * at_hi < 0)) continue;
    std::uintmax_t steps = 200;
    const auto [a, b] = boost::math::tools::toms748_solve(
        slope, lo, hi, at_lo, at_hi, boost::math::tools::eps_tolerance<double>(52), steps);
    consider((a + b) / 2);
  }
  return best;
}

/// 0 < points < top, with both ends: where a quadratic a x^2 + b x + c is 0.
std::vector<double> with_roots(double a, double b, double c, double top) {
  std::vector<double> points{0};
  const double square = b * b - 4 * a * c;
  if (a != 0 && square > 0) {
    const double root = std::sqrt(square);
    for (const double x : {(-b - root) / (2 * a), (-b + root) / (2 * a)}) {
      if (x > 0 && x < top) points.push_back(x);
    }
  } else if (a == 0 && b != 0 && -c / b > 0 && -c / b < top) {
    points.push_back(-c / b);
  }
  points.push_back(top);
  std::sort(points.begin(), points.end());
  return points;
}

double half_cauchy(Values v, double d, double m) {
  const double e = v[0] * v[0];
  const double root = std::sqrt(m * m + (2 * d + 8) * e * m + e * e * d * d);
  // (m - e d + root) / (2 d + 4); far below e the difference is taken as a quotient.
  const double sum = m < e * d ? ((4 * d + 8) * e * m) / (root + e * d - m) : m - e * d + root;
  return sum / (2 * d + 4);
}

double rayleigh(Values v, double d, double m) {
  const double root = std::sqrt((d - 1) * (d - 1) + 4 * m / (v[0] * v[0]));
  return m == 0 ? 0 : 2 * m / (root + d - 1);
}

double gaussian(Values v, double d, double m) {
  if (m == 0) return 0;  // the cost falls for ever
  const double a = v[0];
  const auto slope = [&](double l) { return ((l - 1) * l + a * d) * l * l - a * m; };
  const auto cost = [&](double l) {
    return l == 0 ? kInf : d * std::log(l) + m / (2 * l * l) + (l - 1) * (l - 1) / (2 * a);
  };
  // All roots lie below 1 + sqrt(m / d) (there a d l^2 > a m and l > 1).
  const double l = best_root(slope, cost, with_roots(4, -3, 2 * a * d, 2 + std::sqrt(m / d)));
  return l * l;
}

double beta(Values v, double d, double m) {
  const double a = v[0], b = v[1], k = d - a + 1;
  if (m == 0 && k > 0) return 0;
  const auto slope = [&](double l) { return (m - k * l * l) * (1 - l) - (b - 1) * l * l * l; };
  const auto cost = [&](double l) {
    if (l == 0 || (l == 1 && b > 1)) return kInf;
    return k * std::log(l) + m / (2 * l * l) - (l == 1 ? 0 : (b - 1) * std::log1p(-l));
  };
  const double l = best_root(slope, cost, with_roots(3 * (k - b + 1), -2 * k, -m, 1));
  return l * l;
}

/// 1 / lambda^2 of the two scales' mixture.
double bernoulli(Values v, double d, double m) {
  const double p = v[0], spike = v[1];
  const double logit =
      std::log1p(-p) - std::log(p) + d * std::log(spike) + m / 2 * (1 / (spike * spike) - 1);
  const double r = 1 / (1 + std::exp(-logit));
  return 1 / (r + (1 - r) / (spike * spike));
}

double mixture_cost(Values v, double d, double m) {
  const double p = v[0], spike = v[1];
  const double on = std::log1p(-p) - m / 2,
               off = std::log(p) - d * std::log(spike) - m / (2 * spike * spike);
  const double most = std::max(on, off);
  return -(most + std::log(std::exp(on - most) + std::exp(off - most)));
}

const Parameter kScale{"scale", 1, 0, 1e30, true, false, "of the scale"};

}  // namespace

const std::vector<HyperPriorRow>& hyper_priors() {
  static const std::vector<HyperPriorRow> rows{
      {"flat",
       "every scale alike: the mean second moment",
       "MacKay (1992); type-II maximum likelihood",
       {},
       [](Values, double d, double m) { return m / d; },
       [](Values, double) { return 0.0; }},
      {"log_uniform_scale",
       "1 / lambda, mode over lambda",
       "Nalisnick, Anandkumar & Smyth (2015)",
       {},
       [](Values, double d, double m) { return m / (d + 1); },
       [](Values, double t) { return std::log(t) / 2; }},
      {"log_uniform",
       "1 / lambda^2, mode over lambda^2",
       "Nalisnick, Hernandez-Lobato & Smyth (2019)",
       {},
       [](Values, double d, double m) { return m / (d + 2); },
       [](Values, double t) { return std::log(t); }},
      {"inv_gamma",
       "inverse gamma of lambda^2: Student-t weights",
       "Nalisnick, Hernandez-Lobato & Smyth (2019)",
       {{"a", 3, 0, 1e6, true, false, "shape"}, {"b", 3, 0, 1e6, true, false, "scale"}},
       [](Values v, double d, double m) { return (m + 2 * v[1]) / (d + 2 * v[0] + 2); },
       [](Values v, double t) {
         return boost::math::lgamma(v[0]) - v[0] * std::log(v[1]) + (v[0] + 1) * std::log(t) +
                v[1] / t;
       }},
      {"half_cauchy",
       "half-Cauchy of lambda: horseshoe weights",
       "Carvalho, Polson & Scott (2010)",
       {kScale},
       half_cauchy,
       [](Values v, double t) {
         return std::log(std::numbers::pi * v[0] / 2) + std::log1p(t / (v[0] * v[0]));
       }},
      {"rayleigh",
       "Rayleigh of lambda: Laplace weights",
       "Andrews & Mallows (1974)",
       {kScale},
       rayleigh,
       [](Values v, double t) {
         return 2 * std::log(v[0]) + t / (2 * v[0] * v[0]) - std::log(t) / 2;
       }},
      {"gaussian",
       "N(1, alpha) of lambda: Gaussian dropout",
       "Srivastava et al. (2014)",
       {{"alpha", 0.25, 0, 1e6, true, false, "variance of the noise"}},
       gaussian,
       [](Values v, double t) {
         const double off = std::sqrt(t) - 1;
         return off * off / (2 * v[0]) + (kLog2Pi + std::log(v[0])) / 2;
       }},
      {"beta",
       "Beta of lambda, on (0, 1)",
       "Nalisnick, Anandkumar & Smyth (2015)",
       {{"a", 2, 0, 1e6, true, false, "shape at 0"},
        {"b", 2, 1, 1e6, false, false, "shape at 1; below 1 the density is infinite there"}},
       beta,
       [](Values v, double t) {
         const double l = std::sqrt(t), norm = std::log(boost::math::beta(v[0], v[1]));
         return norm - (v[0] - 1) * std::log(l) - (v[1] == 1 ? 0 : (v[1] - 1) * std::log1p(-l));
       }},
      {"bernoulli",
       "1, or a small scale with probability p: spike and slab",
       "Rockova & George (2014); Srivastava et al. (2014)",
       {{"p", 0.5, 0, 1, true, true, "probability of the spike, the drop probability"},
        {"spike", 0.05, 0, 1, true, true, "scale of the spike"}},
       bernoulli,
       nullptr},
  };
  return rows;
}

HyperPrior HyperPrior::parse(std::string_view word) {
  const Word parts = split_word(word);
  const HyperPriorRow& row = find_row("hyper-prior", parts.name, hyper_priors());
  return {row, read_values(row.name, row.parameters, parts.rest).values};
}

HyperPrior HyperPrior::make(std::string_view name, Values values) {
  const HyperPriorRow& row = find_row("hyper-prior", name, hyper_priors());
  check(values.size() == row.parameters.size(), name, "expected a value for each parameter");
  for (std::size_t i = 0; i < values.size(); ++i) in_range(name, row.parameters[i], values[i]);
  return {row, {values.begin(), values.end()}};
}

std::string HyperPrior::word() const { return write_word(row_->name, row_->parameters, values_); }

ScaleMode HyperPrior::mode(double d, double m) const {
  const double at = scale2(d, m);
  return {at, cost(d, m, at)};
}

double HyperPrior::scale2(double d, double m) const {
  if (!(d >= 1)) fail<std::domain_error>("scale update", "expected a group of weights", d);
  if (!(m >= 0 && m < kInf)) {
    fail<std::domain_error>("scale update", "second moments must be finite and not negative", m);
  }
  return std::max(row_->scale2(values_, d, m), kLeastScale2);
}

double HyperPrior::slope(double d, double m) const {
  const double h = 1e-5 * std::max(m, 1e-8);  // central: an error of h^2
  const auto at = [&](double moment) {
    return std::max(row_->scale2(values_, d, moment), kLeastScale2);
  };
  const double below = std::max(m - h, 0.0);
  return (at(m + h) - at(below)) / (m + h - below);
}

double HyperPrior::cost(double d, double m, double scale2) const {
  if (!row_->minus_log) return mixture_cost(values_, d, m);
  return d / 2 * std::log(scale2) + m / (2 * scale2) + row_->minus_log(values_, scale2);
}

}  // namespace scalemix::inline v0::prior
