// The divergence from the log-uniform prior. Exact values: by quadrature, at log alpha = -8 ... 8 (methods
// file 2A.4 of the project: -KL without its constant).

#include "scalemix/prior/log_uniform_kl.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace scalemix::prior {
namespace {

constexpr double kC = (std::numbers::egamma + std::numbers::ln2) / 2;

TEST(LogUniformKl, ExactValues) {
  const double golden[][2] = {{-8, -3.999832}, {-4, -1.990574}, {-2, -0.908973}, {-1, -0.279350},
                              {0, 0.208496},   {1, 0.461988},   {2, 0.569013},   {3, 0.610493},
                              {4, 0.626051},   {8, 0.635014}};
  for (const auto& [log_alpha, raw] : golden) {
    EXPECT_NEAR(kC - log_uniform_kl(LogUniformKl::exact, log_alpha), raw, 1e-6) << log_alpha;
  }
  EXPECT_NEAR(log_uniform_kl(LogUniformKl::exact, 40), 0, 1e-12);
  EXPECT_NEAR(log_uniform_kl(LogUniformKl::exact, -40), kC + 20, 1e-12);
}

TEST(LogUniformKl, TheSeriesMeetsTheExpansion) {
  // u = 2000 at log alpha = -log 4000: both sides of the change.
  const double at = -std::log(4000.0);
  EXPECT_NEAR(log_uniform_kl(LogUniformKl::exact, at - 1e-9),
              log_uniform_kl(LogUniformKl::exact, at + 1e-9), 2e-9);
}

TEST(LogUniformKl, SlopesAreTheDerivatives) {
  for (const LogUniformKl form :
       {LogUniformKl::exact, LogUniformKl::molchanov, LogUniformKl::kingma, LogUniformKl::bound}) {
    for (double la = -12; la <= (above_one(form) ? 12 : 0); la += 0.73) {
      const double h = 1e-4;
      const double slope = (log_uniform_kl(form, la + h) - log_uniform_kl(form, la - h)) / (2 * h);
      EXPECT_NEAR(log_uniform_kl_slope(form, la), slope, 1e-7) << int(form) << " " << la;
    }
  }
}

TEST(LogUniformKl, ApproximationsAreAsFarOffAsTheirSourcesSay) {
  double molchanov = 0, kingma = 0, bound = 0;
  for (double la = -10; la <= 10; la += 0.01) {
    const double exact = log_uniform_kl(LogUniformKl::exact, la);
    molchanov = std::fmax(molchanov, std::abs(log_uniform_kl(LogUniformKl::molchanov, la) - exact));
    if (la > 0) continue;
    kingma = std::fmax(kingma, std::abs(log_uniform_kl(LogUniformKl::kingma, la) - exact));
    const double above = log_uniform_kl(LogUniformKl::bound, la) - exact;
    EXPECT_GE(above, 0) << la;
    bound = std::fmax(bound, above);
  }
  EXPECT_NEAR(molchanov, 0.0094, 2e-4);  // 0.0088 before the shift of its constant
  EXPECT_NEAR(kingma, 0.040, 2e-3);
  EXPECT_NEAR(bound, 0.245, 2e-3);
}

TEST(LogUniformKl, TheTableIsTheFormula) {
  for (double la = -16; la <= 12; la += 0.0173) {
    for (const LogUniformKl form : {LogUniformKl::exact, LogUniformKl::molchanov}) {
      EXPECT_NEAR(quick_log_uniform_kl(form, la), log_uniform_kl(form, la), 1e-9) << la;
      EXPECT_NEAR(quick_log_uniform_kl_slope(form, la), log_uniform_kl_slope(form, la), 1e-9) << la;
    }
  }
}

TEST(LogUniformKl, SlopesByTheLogitOfABoundedAlpha) {
  for (const LogUniformKl form :
       {LogUniformKl::exact, LogUniformKl::molchanov, LogUniformKl::kingma, LogUniformKl::bound}) {
    for (double a = -15; a <= 15; a += 0.0371) {
      const auto kl = [&](double x) { return log_uniform_kl(form, -std::log1p(std::exp(-x))); };
      const double h = 1e-4;
      EXPECT_NEAR(quick_bounded_kl_slope(form, a), (kl(a + h) - kl(a - h)) / (2 * h), 2e-7)
          << int(form) << " " << a;
    }
  }
}

TEST(Dawson, KnownValues) {
  // Abramowitz & Stegun, table 7.5.
  EXPECT_NEAR(dawson(0.5), 0.4244363835020223, 1e-13);
  EXPECT_NEAR(dawson(1), 0.5380795069127684, 1e-13);
  EXPECT_NEAR(dawson(2), 0.3013403889237920, 1e-13);
  EXPECT_NEAR(dawson(10), 0.05025384718759853, 1e-14);
  EXPECT_NEAR(dawson(0.05), 0.04991674994, 1e-10);
  EXPECT_NEAR(dawson(-1), -dawson(1), 1e-15);
  EXPECT_NEAR(dawson(49.999) * 49.999, dawson(50.001) * 50.001, 1e-7);
}

}  // namespace
}  // namespace scalemix::prior
