#include "scalemix/signal/critical.h"

#include <algorithm>
#include <boost/math/tools/toms748_solve.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "scalemix/base/check.h"
#include "scalemix/base/number_text.h"

namespace scalemix::inline v0::signal {
namespace {

constexpr double kPi = std::numbers::pi;

Critical none(const std::string& reason) { return {{}, {Fixed::none, {}, reason}, reason, {}}; }

Critical straight_critical(const Network& net, double a) {
  if (net.sigma_b2 > 0) {
    return none(
        "with a bias the variance grows by sigma_b2 per layer at the critical point; it needs "
        "sigma_b2 = 0");
  }
  Network at = net;
  at.sigma_w2 = 2 / (net.noise.mu2 * (1 + a * a));
  return {at.sigma_w2, variance_fixed_point(at), {}, {}};
}

/// E phi^2 / E phi'^2 + sigma_b2 - q: 0 where a fixed point has slope 1.
double excess(const Network& net, double q) {
  return second(net.activation, q) / slope_second(net.activation, q) + net.sigma_b2 - q;
}

double refine(const Network& net, double lo, double hi) {
  std::uintmax_t steps = 200;
  const auto [a, b] =
      boost::math::tools::toms748_solve([&](double q) { return excess(net, q); }, lo, hi,
                                        boost::math::tools::eps_tolerance<double>(), steps);
  return (a + b) / 2;
}

/// The network at slope 1 for variance q.
Network at_variance(const Network& net, double q) {
  Network at = net;
  at.sigma_w2 = 1 / (net.noise.mu2 * slope_second(net.activation, q));
  return at;
}

/// The first q, from small ones up, at which the variance would stay, and the first at which it
/// would run away.
struct Candidates {
  std::optional<double> stable, unstable;
};
Candidates candidates(const Network& net) {
  Candidates found;
  double before = 1e-9, was = excess(net, before);
  while (before < 1e9 && !found.stable) {
    const double after = before * 1.3, is = excess(net, after);
    if ((was > 0) != (is > 0)) {
      const double q = refine(net, before, after);
      auto& slot = chi_variance(at_variance(net, q), q) < 1 ? found.stable : found.unstable;
      if (!slot) slot = q;
    }
    before = after;
    was = is;
  }
  return found;
}

/// Without bias and with phi(0) = 0: q = 0 is fixed, and critical if small variances shrink to it.
Critical vanishing_critical(const Network& net) {
  const Network at = at_variance(net, 0);
  constexpr double kSmall = 1e-4;
  if (variance_map(at, kSmall) > kSmall) {
    return none("at slope 1 and without bias the variance grows away from 0");
  }
  std::string reason = "the variance shrinks like 1 / depth";
  return {at.sigma_w2, {Fixed::zero, 0, reason, 1}, reason, {}};
}

Critical curved_critical(const Network& net) {
  if (net.sigma_b2 == 0 && net.activation.value(0) == 0) {
    const Critical vanishing = vanishing_critical(net);
    if (vanishing.sigma_w2) return vanishing;
  }
  const Candidates found = candidates(net);
  if (found.stable) {
    const double q = *found.stable;
    return {at_variance(net, q).sigma_w2, {Fixed::point, q}, {}, {}};
  }
  if (!found.unstable) return none("no fixed point of the variance has slope 1");
  const double q = *found.unstable, sigma_w2 = at_variance(net, q).sigma_w2;
  Critical critical =
      none("slope 1 is reached only at sigma_w2 = " + rounded_number(sigma_w2) +
           ", where the fixed point " + rounded_number(q) + " of the variance is unstable");
  critical.unstable = sigma_w2;
  return critical;
}

/// Noise of a straight activation from its angle: alpha = (tan t - t) kappa / pi and xi_c.
NoiseBudget straight_budget(double a, double depth) {
  const double wanted = std::exp(-6 / depth), kappa = (1 - a) * (1 - a) / (1 + a * a);
  if (kappa == 0) return {std::expm1(6 / depth), {}};
  const auto alpha = [&](double t) { return kappa * (std::tan(t) - t) / kPi; };
  const auto f = [&](double t) { return (1 - kappa * t / kPi) - wanted * (1 + alpha(t)); };
  std::uintmax_t steps = 200;
  const auto [lo, hi] = boost::math::tools::toms748_solve(
      f, 0.0, std::nextafter(kPi / 2, 0.0), boost::math::tools::eps_tolerance<double>(), steps);
  return {alpha((lo + hi) / 2), {}};
}

/// ln xi_c - ln(depth / 6) at noise alpha, critically initialised at variance q.
double too_far(Network net, double q, double alpha, double depth) {
  net.noise = {.mu2 = 1 + alpha};
  net = at_variance(net, q);
  const FixedPoint c = correlation_fixed_point(net, q);
  return std::log(depth_scale(chi_correlation(net, q, c.one_minus)) * 6 / depth);
}

NoiseBudget curved_budget(const Network& net, double q, double depth) {
  double lo = 1e-3, hi = 1e-3;
  while (too_far(net, q, lo, depth) < 0) {
    if (lo < 1e-14) return {{}, "no noise is weak enough for this depth"};
    hi = lo;
    lo /= 16;
  }
  while (too_far(net, q, hi, depth) > 0) {
    if (hi > 1e14) return {{}, "any noise reaches this depth"};
    lo = hi;
    hi *= 16;
  }
  std::uintmax_t steps = 60;
  const auto [a, b] = boost::math::tools::toms748_solve(
      [&](double x) { return too_far(net, q, std::exp(x), depth); }, std::log(lo), std::log(hi),
      boost::math::tools::eps_tolerance<double>(40), steps);
  return {std::exp((a + b) / 2), {}};
}

}  // namespace

double NoiseBudget::sigma() const { return std::sqrt(alpha.value_or(0)); }

Critical critical_initialisation(const Network& net) {
  net.check();
  if (!net.noise.finite()) return none("the noise's second moment is infinite");
  if (net.noise.additive && net.noise.s2 > 0) {
    return none("additive noise has no critical initialisation: it adds variance in every layer");
  }
  if (net.branch) {
    return none("a residual network grows for every sigma_w2; choose its branch scale instead");
  }
  if (const auto a = net.activation.negative_slope()) return straight_critical(net, *a);
  return curved_critical(net);
}

NoiseBudget noise_budget(const Activation& activation, double sigma_b2, double depth) {
  check_positive("noise_budget", "depth", depth);
  const Network net{.activation = activation, .sigma_b2 = sigma_b2};
  const Critical critical = critical_initialisation(net);
  if (!critical.sigma_w2) return {{}, critical.reason};
  if (const auto a = activation.negative_slope()) return straight_budget(*a, depth);
  if (critical.q.kind == Fixed::zero) return straight_budget(1, depth);  // linear near 0
  return curved_budget(net, *critical.q.value, depth);
}

}  // namespace scalemix::inline v0::signal
