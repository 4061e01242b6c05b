#include "scalemix/prior/joint.h"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "scalemix/base/quadrature.h"

namespace scalemix::inline v0::prior {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kAgree = 1e-10;  // of a panel's integral and its halves'
constexpr double kRounding = 1e-14;
constexpr int kDeepest = 40;      // halvings: a jump of the density is closed in
constexpr double kFarthest = 45;  // nats below the peak: what is left counts for nothing
constexpr int kScan = 256;        // points in search of the peak
constexpr int kMostPanels = 400;
const double kLogTwoPi = std::log(boost::math::constants::two_pi<double>());

/// Two integrals: of the integrand, and of the integrand over s^2.
struct Pair {
  double one = 0, precision = 0;
};
Pair operator+(Pair a, Pair b) { return {a.one + b.one, a.precision + b.precision}; }

/// The integrand by t = ln |z|, in logs.
class Integrand {
 public:
  Integrand(const Prior& prior, std::size_t d, double radius)
      : law_(prior.law()),
        d_(static_cast<double>(d)),
        log_scale_(std::log(prior.sigma0())),
        log_radius_(std::log(radius)) {}

  double log_at(double t) const {
    const double z = std::exp(t), one = law_.log_pdf(z), other = law_.log_pdf(-z);
    const double more = std::max(one, other), less = std::min(one, other);
    return more == -kInfinity ? more : t + more + std::log1p(std::exp(less - more)) + log_normal(t);
  }
  /// log N(v; 0, s^2 I_d), s = e^t sigma0.
  double log_normal(double t) const {
    const double log_s = t + log_scale_;
    return -d_ * (log_s + kLogTwoPi / 2) - std::exp(2 * (log_radius_ - log_s)) / 2;
  }
  /// Of one value of t, by 1 / s^2.
  double log_precision(double t) const { return -2 * (t + log_scale_); }

  Pair panel(double lo, double hi, double top) const {
    const auto value = [&](double t) { return std::exp(log_at(t) - top); };
    return {gauss_panel(lo, hi, value),
            gauss_panel(lo, hi, [&](double t) { return value(t) * std::exp(log_precision(t)); })};
  }
  Pair halved(double lo, double hi, double top, double counts, int depth = 0) const {
    const double middle = (lo + hi) / 2;
    const Pair whole = panel(lo, hi, top);
    const Pair both = panel(lo, middle, top) + panel(middle, hi, top);
    const double apart = std::abs(whole.one - both.one);
    // Rounding of the logs, which are large in many dimensions.
    const double agree = std::max(kAgree, kRounding * (std::abs(top) + d_));
    if (apart <= agree * both.one || apart <= 1e-3 * agree * counts || depth >= kDeepest) {
      return both;
    }
    return halved(lo, middle, top, counts, depth + 1) + halved(middle, hi, top, counts, depth + 1);
  }

  /// Where it is largest: between the law's own peak and the normal's, each searched around.
  double peak() const {
    const double normals = log_radius_ - std::log(d_) / 2 - log_scale_;
    std::vector<double> points{normals};
    for (const double u : {1e-3, .01, .05, .1, .2, .3, .4, .5, .6, .7, .8, .9, .95, .99, .999}) {
      const double z = std::abs(law_.quantile(u));
      if (z > 0) points.push_back(std::log(z));
    }
    const auto [least, most] = std::minmax_element(points.begin(), points.end());
    const double lo = *least - 3, hi = *most + 3;
    for (int i = 0; i <= kScan; ++i) points.push_back(lo + (hi - lo) * i / kScan);
    std::sort(points.begin(), points.end());
    std::size_t best = 0;
    for (std::size_t i = 1; i < points.size(); ++i) {
      if (log_at(points[i]) > log_at(points[best])) best = i;
    }
    const auto cost = [this](double t) {
      const double value = log_at(t);
      return std::isnan(value) ? kInfinity : -value;
    };
    const double left = points[best > 0 ? best - 1 : 0];
    const double right = points[std::min(best + 1, points.size() - 1)];
    const double t = boost::math::tools::brent_find_minima(cost, left, right, 26).first;
    return cost(t) < cost(points[best]) ? t : points[best];
  }

  double width() const { return 1 / std::sqrt(2 * d_); }

 private:
  const law::AnyLaw& law_;
  double d_, log_scale_, log_radius_;
};

PenaltyTable::Point point(double radius, double top, Pair sum) {
  return {-top - std::log(sum.one), radius * sum.precision / sum.one};
}

/// A law of single values: a sum.
PenaltyTable::Point of_values(const Prior& prior, const Integrand& f, double radius) {
  const law::AnyLaw& law = prior.law();
  std::vector<std::pair<double, double>> terms;  // log, t
  double top = -kInfinity;
  const auto add = [&](double z, double mass) {
    if (!(mass > 0) || z == 0) return;
    const double t = std::log(std::abs(z));
    terms.emplace_back(std::log(mass) + f.log_normal(t), t);
    top = std::max(top, terms.back().first);
  };
  if (law.row().discrete) {
    const double last = law.quantile(1 - 1e-15) * 8 + 64;
    for (double k = 1; k <= last; ++k) add(k, law.pdf(k));
  } else {
    add(law.quantile(0.5), 1);
  }
  Pair sum;
  for (const auto& [log, t] : terms) {
    const double share = std::exp(log - top);
    sum = sum + Pair{share, share * std::exp(f.log_precision(t))};
  }
  return point(radius, top, sum);
}

/// |z| sigma0 at the quartiles, least and largest.
std::pair<double, double> reach(const Prior& prior) {
  double least = kInfinity, most = 0;
  for (const double u : {0.25, 0.5, 0.75}) {
    const double size = std::abs(prior.law().quantile(u)) * prior.sigma0();
    if (size > 0) least = std::min(least, size);
    most = std::max(most, size);
  }
  return {std::min(least, prior.sigma0() * 1e3), std::max(most, prior.sigma0() * 1e-3)};
}

PenaltyTable table_of(const Prior& prior, std::size_t d) {
  const auto [least, most] = reach(prior);
  const double root = std::sqrt(static_cast<double>(d));
  return {[prior, d](double radius) { return joint_penalty(prior, d, radius); }, least * root,
          most * root};
}

/// Sums of squares by group, in memory that a thread keeps.
std::vector<double>& squares(const Groups& groups, const float* w) {
  thread_local std::vector<double> sums;
  sums.assign(groups.groups(), 0);
  const auto square = [w](std::size_t e) { return static_cast<double>(w[e]) * w[e]; };
  groups.walk(
      0, groups.groups() * groups.size(),
      [&](std::size_t e, std::size_t n, std::size_t g) {
        for (std::size_t i = e; i < e + n; ++i) sums[g] += square(i);
      },
      [&](std::size_t e, std::size_t n, std::size_t g) {
        for (std::size_t i = 0; i < n; ++i) sums[g + i] += square(e + i);
      });
  return sums;
}

}  // namespace

PenaltyTable::Point joint_penalty(const Prior& prior, std::size_t d, double radius) {
  const Integrand f(prior, d, radius);
  if (single_values(prior.law())) return of_values(prior, f, radius);
  const double middle = f.peak(), top = f.log_at(middle);
  Pair sum;
  for (const double side : {-1.0, 1.0}) {
    double at = middle, step = f.width();
    for (int i = 0; i < kMostPanels; ++i, step *= 1.5) {
      const double to = at + side * step;
      sum = sum + f.halved(std::min(at, to), std::max(at, to), top, sum.one);
      at = to;
      if (!(f.log_at(at) > top - kFarthest)) break;
    }
  }
  return point(radius, top, sum);
}

Joint::Joint(const Prior& prior, const Groups& groups)
    : groups_(groups), table_(table_of(prior, groups.size())) {}

double Joint::penalty(const float* w) const {
  double sum = 0;
  for (const double square : squares(groups_, w)) sum += table_.penalty(std::sqrt(square));
  return sum;
}

void Joint::slope(const float* w, float weight, float* dw) const {
  std::vector<double>& factor = squares(groups_, w);
  for (double& f : factor) {
    const double radius = std::sqrt(f);
    f = radius > 0 ? weight * table_.slope(radius) / radius : 0;
  }
  groups_.walk(
      0, groups_.groups() * groups_.size(),
      [&](std::size_t e, std::size_t n, std::size_t g) {
        for (std::size_t i = e; i < e + n; ++i) dw[i] += static_cast<float>(factor[g] * w[i]);
      },
      [&](std::size_t e, std::size_t n, std::size_t g) {
        for (std::size_t i = 0; i < n; ++i)
          dw[e + i] += static_cast<float>(factor[g + i] * w[e + i]);
      });
}

}  // namespace scalemix::inline v0::prior
