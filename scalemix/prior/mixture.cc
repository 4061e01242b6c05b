#include "scalemix/prior/mixture.h"

#include <algorithm>
#include <boost/math/constants/constants.hpp>
#include <cmath>
#include <limits>

#include "scalemix/base/check.h"
#include "scalemix/base/quadrature.h"

namespace scalemix::inline v0::prior {
namespace {

constexpr double kAgree = 1e-8, kRounding = 1e-14;  // of masses, and of a difference of cdfs
constexpr double kSteep = 1e12;
constexpr int kDeepest = 34;        // halvings of a panel that holds mass
constexpr int kDeepestInTail = 12;  // and of one that holds next to none
constexpr double kNoMass = 1e-18;
constexpr double kLeast = 1e-290;    // densities below it are 0
constexpr double kUnseen = 1e-25;    // mass below the first panel
constexpr double kReachBelow = 650;  // e-folds around the median
constexpr double kReachAbove = 80;
constexpr double kPanel = 2;  // e-folds: the halves that are kept are one each
constexpr double kLeastScale = 1e-150;
constexpr double kFarthest = 80;  // exp(-80): a node that does not count beside the largest

constexpr double kRootHalf = boost::math::constants::one_div_root_two<double>();
const double kLogSqrtTwoPi = std::log(boost::math::constants::root_two_pi<double>());

/// Visits nodes (t, weight) of the law of t = ln |z|.
template <class Visit>
class Panels {
 public:
  Panels(const law::AnyLaw& law, const Visit& visit) : law_(law), visit_(visit) {}

  void cut(double lo, double hi, int depth = 0) const {
    const double middle = (lo + hi) / 2, whole = mass(lo, hi);
    const double both = mass(lo, middle) + mass(middle, hi);
    const double held = within(law_, std::exp(hi)) - within(law_, std::exp(lo));
    const bool tail = both < kNoMass && held < kNoMass;
    if (tail && both < kLeast && whole < kLeast) return;
    const double apart = std::abs(whole - both);
    const bool agree = apart <= kAgree * both && std::abs(both - held) <= kAgree * held + kRounding;
    if (agree && !falls_fast(lo, hi) && apart <= kRounding * both && hi - lo <= kPanel / 2) {
      gauss_nodes(lo, hi);
    } else if ((agree && !falls_fast(lo, hi)) || (tail && depth >= kDeepestInTail)) {
      gauss_nodes(lo, middle);
      gauss_nodes(middle, hi);
    } else if (depth >= kDeepest) {
      visit_(middle, held);
    } else {
      cut(lo, middle, depth + 1);
      cut(middle, hi, depth + 1);
    }
  }

  double mass(double lo, double hi) const {
    return gauss_panel(lo, hi, [this](double t) { return density(t); });
  }

 private:
  double density(double t) const {
    const double z = std::exp(t);
    return z * folded(law_, z);
  }
  /// So that far out in light tails a panel's far end is good to rounding of itself.
  bool falls_fast(double lo, double hi) const {
    const double there = density(hi);
    return there > kLeast && density(lo) > there * kSteep;
  }
  void gauss_nodes(double lo, double hi) const {
    using Rule = boost::math::quadrature::gauss<double, 20>;
    const double middle = (lo + hi) / 2, half = (hi - lo) / 2;
    for (std::size_t i = 0; i < Rule::abscissa().size(); ++i) {
      for (const double side : {-1.0, 1.0}) {
        const double t = middle + side * half * Rule::abscissa()[i];
        visit_(t, half * Rule::weights()[i] * density(t));
      }
    }
  }

  const law::AnyLaw& law_;
  const Visit& visit_;
};

/// The panels that hold the law: their ends are no round numbers, since the ends of supports are,
/// and these must be closed in on.
template <class Visit>
void visit_panels(const law::AnyLaw& law, const Visit& visit) {
  const Panels<Visit> panels(law, visit);
  const double lo = std::log(std::max({std::abs(law.quantile(0.25)), std::abs(law.quantile(0.5)),
                                       std::abs(law.quantile(0.75)), 1e-200})) +
                    0.1234567891;
  const double top = std::min(lo + kReachAbove, 300.0), bottom = std::max(lo - kReachBelow, -690.0);
  for (double t = lo; t < top; t += kPanel) {
    panels.cut(t, t + kPanel);
    if (within(law, std::exp(t)) == 1 && panels.mass(t, t + kPanel) == 0) break;
  }
  for (double t = lo; t > bottom && within(law, std::exp(t)) > kUnseen; t -= kPanel) {
    panels.cut(t - kPanel, t);
  }
}

}  // namespace

double within(const law::AnyLaw& law, double radius) {
  // The cdf counts P(z <= -radius): one number too many where the law is discrete, and negative.
  return law.cdf(radius) - (radius > 0 ? law.cdf(-radius) : 0);
}

double folded(const law::AnyLaw& law, double radius) {
  return law.pdf(radius) + (radius > 0 ? law.pdf(-radius) : 0);
}

bool single_values(const law::AnyLaw& law) {
  return law.row().discrete || law.quantile(0.1) == law.quantile(0.9);
}

Mixture::Mixture(const law::AnyLaw& law, double scale) {
  check_positive("prior", "scale of the weights", scale);
  if (!law.row().discrete && single_values(law)) {  // gaussian:alpha=0
    add(std::log(law.quantile(0.5) * scale), 1);
  } else if (law.row().discrete) {
    atom_ = law.pdf(0);
    const double last = law.quantile(1 - 1e-15) * 8 + 64;
    for (double k = 1; k <= last; ++k) add(std::log(k * scale), law.pdf(k));
  } else {
    visit_panels(law, [&](double t, double weight) { add(t + std::log(scale), weight); });
  }
  sort();
}

void Mixture::add(double log_scale, double weight) {
  if (!(weight > 0)) return;
  const double s = std::exp(log_scale);
  if (s < kLeastScale) {
    atom_ += weight;
  } else {
    nodes_.push_back({std::log(weight) - log_scale, 0.5 / s / s, s, weight});
  }
}

void Mixture::sort() {
  std::sort(nodes_.begin(), nodes_.end(), [](const Node& a, const Node& b) { return a.s < b.s; });
  rest_.resize(nodes_.size());
  double most = -std::numeric_limits<double>::infinity();
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    rest_[i] = most = std::max(most, nodes_[i].log_weight);
  }
}

std::span<const Mixture::Node> Mixture::near(double v) const {
  // A lower bound of the largest term: of the nodes with s >= v, and of the last.
  const auto above = std::lower_bound(nodes_.begin(), nodes_.end(), v,
                                      [](const Node& node, double at) { return node.s < at; });
  double bound = nodes_.back().log_weight - v * v * nodes_.back().rate;
  if (above != nodes_.end()) bound = std::max(bound, rest_[above - nodes_.begin()] - 0.5);
  bound -= kFarthest;
  const auto begin = std::partition_point(nodes_.begin(), nodes_.end(), [&](const Node& node) {
    return rest_[0] - v * v * node.rate < bound;
  });
  const auto end =
      std::partition_point(rest_.begin(), rest_.end(), [&](double rest) { return rest >= bound; });
  return {begin, nodes_.begin() + (end - rest_.begin())};
}

Bend Mixture::at(double v) const {
  const double v2 = v * v;
  const std::span<const Node> nodes = near(std::abs(v));
  double most = -std::numeric_limits<double>::infinity();
  for (const Node& node : nodes) most = std::max(most, node.log_weight - v2 * node.rate);
  double sum = 0, first = 0, second = 0;
  for (const Node& node : nodes) {
    const double below = node.log_weight - v2 * node.rate - most;
    if (below < -kFarthest) continue;
    const double share = std::exp(below), precision = 2 * node.rate;
    sum += share;
    first += share * precision;
    second += share * precision * precision;
  }
  const double precision = first / sum;
  return {most + std::log(sum) - kLogSqrtTwoPi, v * precision,
          precision - v2 * (second / sum - precision * precision)};
}

double Mixture::beyond(double v) const {
  return expect([v](double s) { return s > 0 ? std::erfc(v / s * kRootHalf) / 2 : 0; });
}

double Mixture::within(double radius) const {
  if (radius < 0) return 0;
  return expect([radius](double s) { return s > 0 ? std::erf(radius / s * kRootHalf) : 1; });
}

double Mixture::expect(const std::function<double(double s)>& f) const {
  double sum = atom_ > 0 ? atom_ * f(0) : 0;
  for (const Node& node : nodes_) sum += node.weight * f(node.s);
  return sum;
}

}  // namespace scalemix::inline v0::prior
