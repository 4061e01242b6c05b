#include "scalemix/prior/linear_em.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/law/any_law.h"
#include "scalemix/random/stream.h"

namespace scalemix::prior {
namespace {

/// y = x . w + noise, standard normal columns; w is 0 from column `relevant` on.
struct Line {
  std::vector<double> x, y, w;

  Line(std::size_t rows, std::size_t columns, std::size_t relevant, double sd,
       std::uint64_t seed = 1) {
    const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
    const Stream stream{seed, stream_id(Purpose::generate, 1), 0};
    std::uint64_t element = 0;
    const auto draw = [&] { return normal.quantile(stream.uniform(element++)); };
    for (std::size_t i = 0; i < columns; ++i) w.push_back(i < relevant ? 1 + double(i) : 0);
    for (std::size_t n = 0; n < rows; ++n) {
      double sum = sd * draw();
      for (std::size_t i = 0; i < columns; ++i) {
        x.push_back(draw());
        sum += x.back() * w[i];
      }
      y.push_back(sum);
    }
  }
};

/// log N(y; 0, s2 I + X diag(v) X'), by Gaussian elimination on the N x N matrix.
double evidence(const Line& data, const std::vector<double>& v, double s2) {
  const std::size_t n = data.y.size(), k = v.size();
  std::vector<double> c(n * n), y = data.y;
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      c[a * n + b] = a == b ? s2 : 0;
      for (std::size_t i = 0; i < k; ++i)
        c[a * n + b] += v[i] * data.x[a * k + i] * data.x[b * k + i];
    }
  }
  double log_det = 0, fit = 0;
  for (std::size_t p = 0; p < n; ++p) {
    const double pivot = c[p * n + p];
    log_det += std::log(pivot);
    fit += y[p] * y[p] / pivot;
    for (std::size_t r = p + 1; r < n; ++r) {
      const double f = c[r * n + p] / pivot;
      for (std::size_t q = p; q < n; ++q) c[r * n + q] -= f * c[p * n + q];
      y[r] -= f * y[p];
    }
  }
  return -(double(n) * std::log(2 * M_PI) + log_det + fit) / 2;
}

TEST(LinearEm, TheObjectiveIsTheEvidenceOfTheRows) {
  const Line data(25, 4, 2, 0.5);
  for (const char* word : {"flat", "inv_gamma:a=2,b=1", "half_cauchy:scale=0.5"}) {
    const LinearFit fit =
        linear_em(data.x, data.y, {.hyper = HyperPrior::parse(word), .sigma0 = 1.5});
    ASSERT_TRUE(fit.settled) << word;
    std::vector<double> v = fit.scale2;
    double want = 0;
    for (double& value : v) {
      want -= HyperPrior::parse(word).row().minus_log(HyperPrior::parse(word).values(), value);
      value *= 2.25;
    }
    want += evidence(data, v, fit.noise_variance);
    EXPECT_NEAR(fit.objective.back(), want, 1e-7 * std::abs(want)) << word;
  }
}

TEST(LinearEm, ASharedScaleHasItsHyperPriorOnce) {
  const Line data(25, 4, 2, 0.5);
  const HyperPrior hyper = HyperPrior::parse("inv_gamma:a=2,b=1");
  const LinearFit fit = linear_em(data.x, data.y, {.hyper = hyper, .shared = true});
  ASSERT_TRUE(fit.settled);
  const double want = evidence(data, fit.scale2, fit.noise_variance) -
                      hyper.row().minus_log(hyper.values(), fit.scale2[0]);
  EXPECT_NEAR(fit.objective.back(), want, 1e-7 * std::abs(want));
}

// scale-mixture notes, check 8 of part 4: the marginal likelihood never falls, over 2000 iterations.
TEST(LinearEm, TheObjectiveNeverFalls) {
  const Line data(60, 40, 6, 0.5);
  for (const char* word : {"flat", "log_uniform", "log_uniform_scale", "inv_gamma", "half_cauchy",
                           "rayleigh", "gaussian", "beta"}) {
    const LinearFit fit = linear_em(
        data.x, data.y, {.hyper = HyperPrior::parse(word), .most_rounds = 2000, .tolerance = -1});
    ASSERT_EQ(fit.objective.size(), 2000u) << word;
    for (std::size_t i = 1; i < fit.objective.size(); ++i) {
      const double before = fit.objective[i - 1];
      EXPECT_GE(fit.objective[i], before - 1e-9 * std::abs(before)) << word << ' ' << i;
    }
  }
}

TEST(LinearEm, IrrelevantInputsGoToZero) {
  const Line data(60, 40, 6, 0.5);
  const LinearFit fit = linear_em(data.x, data.y);
  std::size_t gone = 0;
  for (std::size_t i = 0; i < 40; ++i) {
    if (i < 6) {
      EXPECT_NEAR(fit.mean[i], data.w[i], 0.4) << i;
      EXPECT_NEAR(fit.scale2[i], fit.mean[i] * fit.mean[i] + fit.variance[i], 1e-3) << i;
    } else {
      gone += fit.scale2[i] < 1e-2;
    }
  }
  EXPECT_GE(gone, 26u);  // the notes' count, of 34
  EXPECT_NEAR(std::sqrt(fit.noise_variance), 0.5, 0.2);
}

/// The table that scikit-learn 1.9.1 was given for the numbers below.
Line for_scikit_learn() {
  Line out(0, 0, 0, 0);
  out.w = {1.5, -2, 0.7, 0, 0, 0, 0.3, 0};
  for (int i = 0; i < 40; ++i) {
    double sum = 0.3 * std::cos(12.9898 * i * i);
    for (int j = 0; j < 8; ++j) {
      out.x.push_back(std::sin(1.7 * (i + 1) * (j + 1) + j * j));
      sum += out.x.back() * out.w[static_cast<std::size_t>(j)];
    }
    out.y.push_back(sum);
  }
  return out;
}

// ARDRegression(fit_intercept=False, tol=1e-14, alpha_1 = alpha_2 = lambda_1 = lambda_2 = 1e-12): the
// same stationary point, by other steps.
TEST(LinearEm, FlatScalesAreScikitLearnsArdRegression) {
  const Line data = for_scikit_learn();
  const LinearFit fit = linear_em(data.x, data.y, {.most_rounds = 100000, .tolerance = 1e-13});
  const double mean[] = {1.5281922026, -1.9615491075, 0.6842922838, 0, 0, 0, 0.3042852311, 0};
  const double scale2[] = {2.3374473527, 3.8496334731, 0.4703709329, 0, 0, 0, 0.0947239594, 0};
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(fit.mean[i], mean[i], 2e-4) << i;
    EXPECT_NEAR(fit.scale2[i], scale2[i], 1e-3) << i;
  }
  EXPECT_NEAR(fit.noise_variance, 0.0422008335, 2e-5);
}

// BayesianRidge with the same arguments.
TEST(LinearEm, OneFlatScaleIsScikitLearnsBayesianRidge) {
  const Line data = for_scikit_learn();
  const LinearFit fit =
      linear_em(data.x, data.y, {.shared = true, .most_rounds = 100000, .tolerance = 1e-15});
  const double mean[] = {1.5273426740, -1.9562126891, 0.6863672408, -0.0150698625,
                         0.0148897540, -0.0241022083, 0.3113482469, 0.0255367393};
  const double sd[] = {0.0478124953, 0.0469052654, 0.0484215502, 0.0485573223,
                       0.0479010370, 0.0481660004, 0.0490234567, 0.0485594925};
  for (std::size_t i = 0; i < 8; ++i) {
    EXPECT_NEAR(fit.mean[i], mean[i], 1e-6) << i;
    EXPECT_NEAR(std::sqrt(fit.variance[i]), sd[i], 1e-6) << i;
    EXPECT_NEAR(fit.scale2[i], 0.8434784577, 1e-5) << i;
  }
  EXPECT_NEAR(fit.noise_variance, 0.0463724876, 1e-6);
  for (std::size_t i = 1; i < fit.objective.size(); ++i) {
    EXPECT_GE(fit.objective[i], fit.objective[i - 1] - 1e-9);
  }
}

TEST(LinearEm, OneRowConstantTargetsAndAGivenNoise) {
  const LinearFit one = linear_em(std::vector<double>{2}, std::vector<double>{1});
  EXPECT_TRUE(std::isfinite(one.mean[0]) && std::isfinite(one.objective.back()));
  const LinearFit zero = linear_em(std::vector<double>{1, 2, 3}, std::vector<double>{0, 0, 0});
  EXPECT_EQ(zero.mean[0], 0);
  EXPECT_TRUE(std::isfinite(zero.objective.back()));
  const Line data(30, 2, 2, 0.1);
  const LinearFit given = linear_em(data.x, data.y, {.noise_variance = 4});
  EXPECT_EQ(given.noise_variance, 4);
  EXPECT_LT(std::abs(given.mean[1]), std::abs(linear_em(data.x, data.y).mean[1]));
}

TEST(LinearEm, RefusesWhatCannotBe) {
  const std::vector<double> x{1, 2, 3, 4}, y{1, 2};
  EXPECT_THROW(linear_em(x, {}), std::invalid_argument);
  EXPECT_THROW(linear_em({}, y), std::invalid_argument);
  EXPECT_THROW(linear_em(std::vector<double>{1, 2, 3}, y), std::invalid_argument);
  EXPECT_THROW(linear_em(std::vector<double>{1, NAN}, y), std::domain_error);
  EXPECT_THROW(linear_em(x, y, {.sigma0 = 0}), std::domain_error);
  EXPECT_THROW(linear_em(x, y, {.noise_variance = -1}), std::domain_error);
  EXPECT_THROW(linear_em(x, y, {.hyper = HyperPrior::parse("bernoulli")}), std::domain_error);
}

}  // namespace
}  // namespace scalemix::prior
