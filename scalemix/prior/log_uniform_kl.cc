#include "scalemix/prior/log_uniform_kl.h"

#include <array>
#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <numbers>

namespace scalemix::inline v0::prior {
namespace {

constexpr double kC = (std::numbers::egamma + std::numbers::ln2) / 2;
constexpr double kK1 = 0.63576, kK2 = 1.87320, kK3 = 1.48695;
constexpr double kC1 = 1.161451241083230, kC2 = -1.502041176441722, kC3 = 0.586299206427007;
constexpr double kManyTerms = 2000;  // u from which the expansion in alpha is exact to rounding

double logistic(double x) { return 1 / (1 + std::exp(-x)); }

/// E log|1 + sqrt(alpha) e| where alpha is small: the even terms of the logarithm's series.
double small_alpha(double alpha) {
  return -alpha * (1.0 / 2 + alpha * (3.0 / 4 + alpha * (15.0 / 6 + alpha * 105.0 / 8)));
}

/// (log 2 + sum_j Poisson(j; u) digamma(j + 1/2)) / 2, u = 1 / (2 alpha).
double by_series(double u) {
  using boost::math::digamma;
  const double width = 12 * std::sqrt(u) + 40;
  const auto from = static_cast<long>(std::fmax(0, std::floor(u - width))),
             to = static_cast<long>(std::ceil(u + width));
  double log_weight = static_cast<double>(from) * std::log(u) - u - std::lgamma(from + 1.0);
  double psi = digamma(from + 0.5), sum = 0;
  for (long j = from; j <= to; ++j) {
    sum += std::exp(log_weight) * psi;
    psi += 1 / (static_cast<double>(j) + 0.5);
    log_weight += std::log(u / (static_cast<double>(j) + 1));
  }
  return (std::numbers::ln2 + sum) / 2;
}

double exact(double log_alpha) {
  const double u = std::exp(-log_alpha) / 2;
  // E log|e'| of e' ~ N(1, alpha) is log(alpha) / 2 + by_series.
  if (u > kManyTerms) return kC - log_alpha / 2 + small_alpha(std::exp(log_alpha));
  return kC + by_series(u);
}

double kingma(double alpha) { return alpha * (kC1 + alpha * (kC2 + alpha * kC3)); }

/// A function by cubic pieces through its values and slopes (Hermite).
class Pieces {
 public:
  template <class Value, class Slope>
  Pieces(const Value& value, const Slope& slope) {
    for (std::size_t i = 0; i <= kPieces; ++i) {
      values_[i] = value(place(i));
      slopes_[i] = slope(place(i)) * kWidth;
    }
  }
  static bool covers(double x) { return x >= kFrom && x < kTo; }
  double operator()(double x) const {
    const double at = (x - kFrom) / kWidth;
    const auto i = static_cast<std::size_t>(at);
    const double t = at - static_cast<double>(i), s = 1 - t;
    return s * s * ((1 + 2 * t) * values_[i] + t * slopes_[i]) +
           t * t * ((1 + 2 * s) * values_[i + 1] - s * slopes_[i + 1]);
  }

 private:
  static constexpr double kFrom = -14, kTo = 14;
  static constexpr std::size_t kPieces = 2800;
  static constexpr double kWidth = (kTo - kFrom) / kPieces;
  static double place(std::size_t i) { return kFrom + static_cast<double>(i) * kWidth; }
  std::array<double, kPieces + 1> values_, slopes_;
};

double exact_slope(double log_alpha) {
  const double root = std::exp(-log_alpha / 2) / std::numbers::sqrt2;
  return -root * dawson(root);
}

/// d of -u D(u) by log alpha, u = exp(-log alpha / 2) / sqrt 2: D' = 1 - 2 u D.
double exact_curvature(double log_alpha) {
  const double u = std::exp(-log_alpha / 2) / std::numbers::sqrt2, d = dawson(u);
  return u * (d + u * (1 - 2 * u * d)) / 2;
}

}  // namespace

namespace {

double log_sigmoid(double a) { return -std::log1p(std::exp(-a)); }

double bounded_slope(LogUniformKl form, double a) {
  return log_uniform_kl_slope(form, log_sigmoid(a)) * logistic(-a);
}

/// Slopes of the table by differences, whose error at this step is far below the table's.
Pieces bounded_pieces(LogUniformKl form) {
  constexpr double kStep = 1e-4;
  return {[form](double a) { return bounded_slope(form, a); },
          [form](double a) {
            return (bounded_slope(form, a + kStep) - bounded_slope(form, a - kStep)) / (2 * kStep);
          }};
}

}  // namespace

double quick_bounded_kl_slope(LogUniformKl form, double a) {
  static const std::array<Pieces, 4> pieces{
      bounded_pieces(LogUniformKl::exact), bounded_pieces(LogUniformKl::molchanov),
      bounded_pieces(LogUniformKl::kingma), bounded_pieces(LogUniformKl::bound)};
  if (!Pieces::covers(a)) return bounded_slope(form, a);
  return pieces[static_cast<std::size_t>(form)](a);
}

double quick_log_uniform_kl(LogUniformKl form, double log_alpha) {
  static const Pieces pieces(exact, exact_slope);
  if (form != LogUniformKl::exact || !Pieces::covers(log_alpha)) {
    return log_uniform_kl(form, log_alpha);
  }
  return pieces(log_alpha);
}

double quick_log_uniform_kl_slope(LogUniformKl form, double log_alpha) {
  static const Pieces pieces(exact_slope, exact_curvature);
  if (form != LogUniformKl::exact || !Pieces::covers(log_alpha)) {
    return log_uniform_kl_slope(form, log_alpha);
  }
  return pieces(log_alpha);
}

bool above_one(LogUniformKl form) {
  return form == LogUniformKl::exact || form == LogUniformKl::molchanov;
}

double log_uniform_kl(LogUniformKl form, double log_alpha) {
  switch (form) {
    case LogUniformKl::exact:
      return exact(log_alpha);
    case LogUniformKl::molchanov:
      return kK1 * logistic(-(kK2 + kK3 * log_alpha)) + std::log1p(std::exp(-log_alpha)) / 2;
    case LogUniformKl::kingma:
      return kC - log_alpha / 2 - kingma(std::exp(log_alpha));
    case LogUniformKl::bound:
      break;
  }
  return kC - log_alpha / 2;
}

double log_uniform_kl_slope(LogUniformKl form, double log_alpha) {
  switch (form) {
    case LogUniformKl::exact:
      return exact_slope(log_alpha);
    case LogUniformKl::molchanov: {
      const double s = logistic(kK2 + kK3 * log_alpha);
      return -kK1 * kK3 * s * (1 - s) - logistic(-log_alpha) / 2;
    }
    case LogUniformKl::kingma: {
      const double a = std::exp(log_alpha);
      return -0.5 - a * (kC1 + a * (2 * kC2 + a * 3 * kC3));
    }
    case LogUniformKl::bound:
      break;
  }
  return -0.5;
}

/// By a sum of Gaussians around the nearest even multiple of a step (Rybicki 1989), whose error falls
/// as exp(-(pi / 2 h)^2); by the asymptotic series far out.
double dawson(double x) {
  const double size = std::abs(x);
  if (size > 50) {
    const double r = 1 / (2 * x * x);
    return (1 + r * (1 + r * (3 + r * (15 + r * 105)))) / (2 * x);
  }
  if (size < 0.1) {  // sum of (-2)^k x^(2k + 1) / (2k + 1)!!
    double term = x, sum = x;
    for (int k = 1; k <= 8; ++k) sum += term *= -2 * x * x / (2 * k + 1);
    return sum;
  }
  constexpr double kStep = 0.2;
  constexpr int kTerms = 17;
  const double even = 2 * std::round(x / (2 * kStep)), rest = x - even * kStep;
  double sum = 0;
  for (int k = -kTerms; k < kTerms; ++k) {
    const double odd = 2 * k + 1, off = rest - odd * kStep;
    sum += std::exp(-off * off) / (even + odd);
  }
  return sum * std::numbers::inv_sqrtpi;
}

}  // namespace scalemix::inline v0::prior
