// Hyper-priors of scales, and the scale each asks for: type-II maximum likelihood in closed form.
//
// d weights share a scale lambda: v_j ~ N(0, lambda^2 sigma0^2). With m = sum E v_j^2 / sigma0^2
// under the weights' posterior, what depends on lambda is
//
//   cost(lambda) = d log lambda + m / (2 lambda^2) - log p(lambda)
//
// and the M-step is where it is least:
//
//   flat                 p = 1                       lambda^2 = m / d
//   log_uniform_scale    1 / lambda                  m / (d + 1)
//   log_uniform          1 / lambda^2, over lambda^2 m / (d + 2)
//   inv_gamma:a,b        Gamma^-1(a, b) of lambda^2  (m + 2 b) / (d + 2 a + 2)
//   half_cauchy:scale=e  [m - e^2 d + sqrt(m^2 + (2 d + 8) e^2 m + e^4 d^2)] / (2 d + 4)
//   rayleigh:scale=s     (s^2 / 2) [sqrt((d - 1)^2 + 4 m / s^2) - (d - 1)]
//   gaussian:alpha=a     N(1, a): the root of l^4 - l^3 + a d l^2 - a m with the least cost
//   beta:a,b             on (0, 1): the root of -(d - a + 1) l^2 (1 - l) + m (1 - l) - (b - 1) l^3
//   bernoulli:p,spike=e  lambda is 1, or e with probability p: 1 / lambda^2 = r + (1 - r) / e^2,
//                        logit r = logit(1 - p) + d log e + m (1 / e^2 - 1) / 2; the cost is the
//                        mixture's, -log of the sum
//
// d cost / d m = 1 / (2 lambda^2) at the least cost, since the slope by lambda vanishes there. A mode
// over lambda differs from one over lambda^2: which it is, is part of the hyper-prior. lambda^2 is
// never below 1e-10.
//
// Sources: Nalisnick, Anandkumar & Smyth (2015); Nalisnick, Hernandez-Lobato & Smyth (2019), released
// code; Rockova & George (2014) for the spike of a positive width
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"

namespace scalemix::inline v0::prior {

inline constexpr double kLeastScale2 = 1e-10;

struct ScaleMode {
  double scale2 = 1;  // lambda^2
  double cost = 0;    // nats; of an improper hyper-prior up to a constant
};

struct HyperPriorRow {
  std::string_view name, summary, source;
  std::vector<Parameter> parameters;
  /// lambda^2 of the least cost, d >= 1, m >= 0; not yet held above kLeastScale2.
  double (*scale2)(std::span<const double> values, double d, double m);
  /// -log p, of the variable the mode is over, as a function of lambda^2. Null: a mixture of two
  /// scales, whose cost is not of this form.
  double (*minus_log)(std::span<const double> values, double scale2);
};

const std::vector<HyperPriorRow>& hyper_priors();

class HyperPrior {
 public:
  /// "inv_gamma:a=3,b=3". Throws ConfigError for an unknown name or key, std::domain_error for a
  /// value out of range.
  static HyperPrior parse(std::string_view word);
  /// With values for all parameters of the row; throws as parse().
  static HyperPrior make(std::string_view name, std::span<const double> values);

  const HyperPriorRow& row() const { return *row_; }
  std::span<const double> values() const { return values_; }
  std::string word() const;

  /// The M-step of d weights, and lambda^2 of it alone. Throw std::domain_error unless d >= 1 and m is
  /// finite and >= 0.
  ScaleMode mode(double d, double m) const;
  double scale2(double d, double m) const;
  /// d lambda^2 / d m of the mode: how the closed form itself moves.
  double slope(double d, double m) const;
  /// cost(lambda) itself, at any lambda^2 > 0; the mixture's where there are two scales.
  double cost(double d, double m, double scale2) const;

 private:
  HyperPrior(const HyperPriorRow& row, std::vector<double> values)
      : row_(&row), values_(std::move(values)) {}
  const HyperPriorRow* row_;
  std::vector<double> values_;
};

}  // namespace scalemix::inline v0::prior
