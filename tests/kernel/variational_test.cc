#include "scalemix/kernel/variational.h"

#include <gtest/gtest.h>

#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

// w with zeros, tiny and large magnitudes among them; log_sigma2 so that both clips and all between
// occur.
std::vector<float> weights(std::size_t n) {
  std::vector<float> w = values(n, -1, 1, 2);
  for (std::size_t i = 0; i < n; i += 7) w[i] *= 1e-3f;
  for (std::size_t i = 0; i < n; i += 11) w[i] = 0;
  for (std::size_t i = 0; i < n; i += 13) w[i] *= 1e10f;
  return w;
}
std::vector<float> log_variances(std::size_t n) { return values(n, -14, 4, 3); }

double alpha_bound(double w, double log_sigma2) {
  return 5e-7 * (1 + std::abs(log_sigma2) + std::abs(std::log(w * w + kSquareEps)));
}

/// Whether float and double may disagree about the clip.
bool at_the_clip(double w, double log_sigma2) {
  const double la = ref::log_alpha_free(w, log_sigma2);
  return std::abs(std::abs(la) - kLogAlphaClip) <= alpha_bound(w, log_sigma2);
}

TEST(Variational, LogAlphaIsWithinItsBoundOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      const auto w = weights(n), ls = log_variances(n);
      std::vector<float> got(n);
      std::vector<double> exact(n);
      log_alpha(n, w.data(), ls.data(), got.data());
      const std::vector<double> wd(w.begin(), w.end()), lsd(ls.begin(), ls.end());
      ref::log_alpha(n, wd.data(), lsd.data(), exact.data());
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_NEAR(got[i], exact[i], alpha_bound(w[i], ls[i])) << w[i] << " " << ls[i];
      }
    }
  });
}

TEST(Variational, TermsAreWithinTheirBoundsOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      const auto w = weights(n), ls = log_variances(n);
      std::vector<float> got(n);
      const double penalty = svdo_terms(n, w.data(), ls.data(), got.data());
      const std::vector<double> wd(w.begin(), w.end()), lsd(ls.begin(), ls.end());
      std::vector<double> exact(n);
      const double exact_penalty = ref::svdo_terms(n, wd.data(), lsd.data(), exact.data());
      ASSERT_NEAR(penalty, exact_penalty, 2e-6 * exact_penalty);
      for (std::size_t i = 0; i < n; ++i) ASSERT_NEAR(got[i], exact[i], 1e-6 * exact[i]);
    }
  });
}

TEST(Variational, GradientsAreWithinTheirBoundsOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      for (const bool through_variance : {false, true}) {
        const auto w = weights(n), ls = log_variances(n), ds = values(n, -2, 2, 4);
        std::vector<float> dw(n, 0.5f), dls(n, -0.25f);
        const float* dsigma2 = through_variance ? ds.data() : nullptr;
        svdo_terms_backward(n, w.data(), ls.data(), dsigma2, 0.7, dw.data(), dls.data());
        const std::vector<double> wd(w.begin(), w.end()), lsd(ls.begin(), ls.end());
        const std::vector<double> dsd(ds.begin(), ds.end());
        std::vector<double> exact_dw(n, 0.5), exact_dls(n, -0.25);
        ref::svdo_terms_backward(n, wd.data(), lsd.data(), through_variance ? dsd.data() : nullptr,
                                 0.7, exact_dw.data(), exact_dls.data());
        for (std::size_t i = 0; i < n; ++i) {
          if (at_the_clip(wd[i], lsd[i])) continue;
          const double through_w = std::abs(2 * wd[i] / (wd[i] * wd[i] + kSquareEps));
          ASSERT_NEAR(dw[i], exact_dw[i], 1e-5 * (0.5 + through_w)) << w[i] << " " << ls[i];
          ASSERT_NEAR(dls[i], exact_dls[i], 1e-5 * (1 + 2 * std::exp(lsd[i])));
        }
      }
    }
  });
}

TEST(Variational, TheVarianceAndTheSlopeAreThoseOfTheReferenceOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      const auto w = weights(n), ls = log_variances(n);
      std::vector<float> sigma2(n), dw(n), slope(n);  // of log_sigma2, with no gradient of sigma2
      svdo_variance(n, ls.data(), sigma2.data());
      svdo_gradient(n, w.data(), ls.data(), sigma2.data(), slope.data(), 1, dw.data(),
                    slope.data());
      for (std::size_t i = 0; i < n; ++i) {
        if (at_the_clip(w[i], ls[i])) continue;
        const double la = ref::log_alpha_free(w[i], ls[i]);
        const double exact = std::abs(la) > kLogAlphaClip ? 0 : ref::svdo_slope(la);
        ASSERT_NEAR(sigma2[i], std::exp(static_cast<double>(ls[i])), 1e-6 * std::exp(ls[i]));
        ASSERT_NEAR(slope[i], exact, 1e-5) << w[i] << " " << ls[i];
      }
    }
  });
}

TEST(Variational, ThePartsOfAStepAreItsBackward) {
  for (const std::size_t n : kSizes) {
    auto w = weights(n);
    for (float& v : w) v = std::max(std::abs(v), 1e-3f);  // where 1 / w does not magnify rounding
    const auto ls = log_variances(n), ds = values(n, -2, 2, 4);
    std::vector<float> sigma2(n), dw(n, 0.5f), dls(n), want_dw(n, 0.5f), want_dls(n);
    svdo_variance(n, ls.data(), sigma2.data());
    svdo_gradient(n, w.data(), ls.data(), sigma2.data(), ds.data(), 0.7, dw.data(), dls.data());
    svdo_terms_backward(n, w.data(), ls.data(), ds.data(), 0.7, want_dw.data(), want_dls.data());
    for (std::size_t i = 0; i < n; ++i) {
      if (at_the_clip(w[i], ls[i])) continue;
      ASSERT_NEAR(dw[i], want_dw[i], 1e-5 * (0.5 + 2 / w[i]));
      ASSERT_NEAR(dls[i], want_dls[i], 1e-5 * (1 + 2 * std::exp(ls[i])));
    }
    EXPECT_NEAR(svdo_penalty(n, w.data(), ls.data()),
                svdo_terms(n, w.data(), ls.data(), sigma2.data()), 1e-12 * static_cast<double>(n));
  }
}

TEST(Variational, TheFusedUpdateHasTheBitsOfItsParts) {
  for_every_target([] {
    for (const std::size_t n : kSizes) {
      const Adam for_w{.lr = 1e-2, .decay = 1e-3}, for_ls{.lr = 2e-2};
      auto w = weights(n), ls = log_variances(n), m = values(n, -1, 1, 5), v = values(n, 0, 1, 6);
      auto m2 = values(n, -1, 1, 7), v2 = values(n, 0, 1, 8);
      const auto dw = values(n, -1, 1, 9), ds = values(n, -1, 1, 10);
      std::vector<float> sigma2(n);
      svdo_variance(n, ls.data(), sigma2.data());
      auto w1 = w, ls1 = ls, m1 = m, v1 = v, m3 = m2, v3 = v2, gw = dw, gls = ds;
      auto sigma2_1 = sigma2;
      const double squares =
          svdo_adam(for_w, for_ls, 3, n, dw.data(), ds.data(), 0.1, {w.data(), m.data(), v.data()},
                    {ls.data(), m2.data(), v2.data()}, sigma2.data());
      svdo_gradient(n, w1.data(), ls1.data(), sigma2_1.data(), gls.data(), 0.1, gw.data(),
                    gls.data());
      adam(for_w, 3, 1, n, gw.data(), m1.data(), v1.data(), w1.data());
      adam(for_ls, 3, 1, n, gls.data(), m3.data(), v3.data(), ls1.data());
      svdo_variance(n, ls1.data(), sigma2_1.data());
      EXPECT_EQ(w, w1);
      EXPECT_EQ(ls, ls1);
      EXPECT_EQ(m, m1);
      EXPECT_EQ(v2, v3);
      EXPECT_EQ(sigma2, sigma2_1);
      const double want = sum_squares(n, gw.data()) + sum_squares(n, gls.data());
      EXPECT_NEAR(squares, want, 1e-6 * want);
    }
  });
}

TEST(Variational, ReferenceGradientsAreThoseOfFiniteDifferences) {
  // Inside, on both sides of each clip, and at a weight of zero.
  const std::vector<double> w = {0.3, -0.02, 1e-3, 0, 2, 0.5, 0.1};
  const std::vector<double> ls = {-2, -9, -5, -12, -9, 7, -4};
  const std::size_t n = w.size();
  std::vector<double> dw(n), dls(n), unused(n);
  const std::vector<double> dsigma2(n, 0.3);
  ref::svdo_terms_backward<double>(n, w.data(), ls.data(), dsigma2.data(), 1.5, dw.data(),
                                   dls.data());
  const auto loss = [&](double wi, double lsi) {
    double sigma2;
    return 1.5 * ref::svdo_terms(1, &wi, &lsi, &sigma2) + 0.3 * sigma2;
  };
  for (std::size_t i = 0; i < n; ++i) {
    const double h = 1e-7 * (std::abs(w[i]) + 1e-3), g = 1e-6;
    const double to_w = (loss(w[i] + h, ls[i]) - loss(w[i] - h, ls[i])) / (2 * h);
    const double to_ls = (loss(w[i], ls[i] + g) - loss(w[i], ls[i] - g)) / (2 * g);
    EXPECT_NEAR(dw[i], to_w, 1e-5 * (1 + std::abs(to_w))) << "weight " << i;
    EXPECT_NEAR(dls[i], to_ls, 1e-7) << "weight " << i;
  }
}

TEST(Variational, AClippedWeightHasNoPenaltyGradient) {
  const float w[] = {5, 1e-3f}, ls[] = {-12, 6};  // log alpha -15.2 and 19.6
  float dw[] = {0, 0}, dls[] = {0, 0};
  svdo_terms_backward(2, w, ls, nullptr, 1, dw, dls);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(dw[i], 0);
    EXPECT_EQ(dls[i], 0);
  }
}

/// The divergence, which goes to 0 as alpha grows: Kingma, Salimans & Welling (2015) up to a
/// constant, exactly 1/2 [log 2 + sum_j Pois(j; u) digamma(j + 1/2)] + (gamma + log 2) / 2, u = 1 /
/// (2 alpha).
double exact_divergence(double log_alpha) {
  const double u = std::exp(-log_alpha) / 2;
  double mean = 0;
  for (int j = 0; j < u + 40 * std::sqrt(u) + 60; ++j) {
    mean += std::exp(j * std::log(u) - u - std::lgamma(j + 1.0)) * boost::math::digamma(j + 0.5);
  }
  return (std::numbers::ln2 + mean) / 2 + (std::numbers::egamma + std::numbers::ln2) / 2;
}

TEST(Variational, TheExactDivergenceIsThatOfHighPrecision) {
  const double limit = (std::numbers::egamma + std::numbers::ln2) / 2;
  for (const auto& [log_alpha, minus_kl] : {std::pair{-8.0, -3.999832},
                                            {-4.0, -1.990574},
                                            {0.0, 0.208496},
                                            {2.0, 0.569013},
                                            {8.0, 0.635014}}) {
    EXPECT_NEAR(limit - exact_divergence(log_alpha), minus_kl, 1e-6) << log_alpha;
  }
}

TEST(Variational, ThePenaltyIsTheExactDivergenceToWithinItsStatedError) {
  double worst = 0, where = 0;
  for (double log_alpha = -8; log_alpha <= 8; log_alpha += 0.01) {
    const double miss = std::abs(ref::svdo_penalty(log_alpha) - exact_divergence(log_alpha));
    if (miss > worst) where = log_alpha;
    worst = std::max(worst, miss);
  }
  EXPECT_NEAR(worst, 0.0094, 5e-5);
  EXPECT_NEAR(where, -3.5, 0.1);
}

TEST(Variational, ThePenaltyVanishesForLargeAlphaAndIsHalfLogAlphaForSmall) {
  EXPECT_NEAR(ref::svdo_penalty(40), 0, 1e-15);
  EXPECT_NEAR(ref::svdo_penalty(-30), kSvdoK1 + 15, 1e-12);
  // The exact limit of minus the divergence is (Euler's constant + log 2) / 2 = 0.6351814.
  EXPECT_NEAR(kSvdoK1, (std::numbers::egamma + std::numbers::ln2) / 2, 6e-4);
}

TEST(Variational, TheSlopeIsWithinItsStatedErrorOfTheExactOne) {
  // The exact slope of minus the divergence is sqrt(u) Dawson(sqrt u), u = 1 / (2 alpha), by its
  // series exp(-u) sum_k u^(k + 1/2) / (k! (2k + 1)).
  for (double la = -3; la <= 6; la += 0.25) {
    const double u = std::exp(-la) / 2;
    double sum = 0, term = std::sqrt(u);
    for (int k = 0; k < 200; ++k, term *= u / k) sum += term / (2 * k + 1);
    EXPECT_NEAR(-ref::svdo_slope(la), std::sqrt(u) * std::exp(-u) * sum, 0.0137) << la;
  }
}

TEST(Variational, ThreadsChangeNoBit) {
  const std::size_t n = 5 * Tiles::kLeast + 3;
  const auto w = weights(n), ls = log_variances(n);
  std::vector<float> sigma2(n), first_sigma2(n);
  const double first = svdo_terms(n, w.data(), ls.data(), first_sigma2.data());
  for_some_threads([&] {
    EXPECT_EQ(svdo_terms(n, w.data(), ls.data(), sigma2.data()), first);
    EXPECT_EQ(sigma2, first_sigma2);
  });
}

TEST(Variational, NanReachesEveryOutput) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for_every_target([&] {
    for (const bool in_w : {true, false}) {
      std::vector<float> w(9, 0.5f), ls(9, -4.0f), sigma2(9), la(9), dw(9), dls(9);
      (in_w ? w : ls)[4] = nan;
      EXPECT_TRUE(std::isnan(svdo_terms(9, w.data(), ls.data(), sigma2.data())));
      EXPECT_EQ(std::isnan(sigma2[4]), !in_w);
      log_alpha(9, w.data(), ls.data(), la.data());
      EXPECT_TRUE(std::isnan(la[4]));
      svdo_gradient(9, w.data(), ls.data(), sigma2.data(), dls.data(), 1, dw.data(), dls.data());
      EXPECT_TRUE(std::isnan(dw[4]));
      EXPECT_TRUE(std::isnan(dls[4]));
      EXPECT_FALSE(std::isnan(dw[3]) || std::isnan(dls[5]));
      svdo_terms_backward(9, w.data(), ls.data(), nullptr, 1, dw.data(), dls.data());
      EXPECT_TRUE(std::isnan(dw[4]));
      EXPECT_TRUE(std::isnan(dls[4]));
      EXPECT_FALSE(std::isnan(dw[3]) || std::isnan(dls[5]));
    }
  });
}

TEST(Variational, VarianceOverflowsToInfinityNotToANumber) {
  for_every_target([] {
    const float w[] = {1, 1, 1}, ls[] = {89, 150, -150};
    float sigma2[3];
    svdo_terms(3, w, ls, sigma2);
    EXPECT_EQ(sigma2[0], std::numeric_limits<float>::infinity());
    EXPECT_EQ(sigma2[1], std::numeric_limits<float>::infinity());
    EXPECT_EQ(sigma2[2], 0);
  });
}

}  // namespace
}  // namespace scalemix::kernel
