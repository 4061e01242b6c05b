// Student's t prior: automatic relevance determination with the variance integrated out. Inverse
// Nakagami noise induces it, a variance that is inverse gamma.
//
//   density Gamma((nu + 1) / 2) / (Gamma(nu / 2) sqrt(nu pi) s) (1 + w^2 / (nu s^2))^(-(nu + 1) / 2)
//   penalty slope (nu + 1) w / (nu s^2 + w^2): largest at |w| = s sqrt(nu), (nu + 1) / |w| far out
//   recipe: inverse_nakagami:shape=nu/2,omega=1 with sigma0 = s; of inverse_nakagami with sigma0:
//   nu = 2 shape, s = sigma0 / sqrt(omega)
//
// Source: Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36
#pragma once

#include <array>
#include <cmath>

#include <boost/math/constants/constants.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include "scalemix/law/law.h"
#include "scalemix/prior/named.h"

namespace scalemix::inline v0::prior {

class StudentT {
 public:
  static constexpr std::string_view kName = "student_t";
  static constexpr std::string_view kSummary =
      "Student's t: relevance determination, what inverse Nakagami noise induces";
  static constexpr std::string_view kSource =
      "Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36";
  static constexpr bool kCheap = true;
  static constexpr std::array kParameters = {
      Parameter{"nu", 4, 0.5, 2e6, false, false, "degrees of freedom"},
      Parameter{"scale", 1, 1e-30, 1e30, false, false, "scale; the variance is s^2 nu / (nu - 2)"},
  };

  explicit StudentT(std::span<const double> v)
      : nu_(law::checked(kName, kParameters, v, 0)),
        s_(law::checked(kName, kParameters, v, 1)),
        log_peak_(-std::log(boost::math::tgamma_delta_ratio(nu_ / 2, 0.5) *
                            std::sqrt(nu_ * boost::math::constants::pi<double>()) * s_)) {}

  double log_density(double w) const {
    return log_peak_ - (nu_ + 1) / 2 * std::log1p(w / s_ * w / s_ / nu_);
  }
  double slope(double w) const { return (nu_ + 1) / s_ * (w / s_) / (nu_ + w / s_ * w / s_); }

  Recipe recipe() const {
    return {law::AnyLaw::make("inverse_nakagami", std::array{nu_ / 2, 1.0}), s_};
  }
  static Values of(const law::AnyLaw& law, double sigma0) {
    if (law.row().name != "inverse_nakagami") return {};
    return std::vector{2 * law.values()[0], sigma0 / std::sqrt(law.values()[1])};
  }

 private:
  double nu_, s_, log_peak_;
};
static_assert(NamedPrior<StudentT>);

}  // namespace scalemix::inline v0::prior
