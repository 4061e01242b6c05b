#include "scalemix/signal/gaussian_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "scalemix/random/stream.h"
#include "scalemix/signal/gram.h"

namespace scalemix::signal {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pointwise;

// K = [[2, 1], [1, 3]], y = (1, 2), k* = (1, 1), k** = 2, by hand: K^-1 = [[3, -1], [-1, 2]] / 5.
TEST(GaussianProcess, DoesTwoRowsAsByHand) {
  const GaussianProcess gp({2, 1, 1, 3}, {1, 2}, 1);
  EXPECT_EQ(gp.relative_jitter(), 0);
  EXPECT_THAT(gp.mean({1, 1}, 1), ElementsAre(DoubleNear(4.0 / 5, 1e-15)));
  EXPECT_THAT(gp.variance({1, 1}, {2}), ElementsAre(DoubleNear(2 - 3.0 / 5, 1e-15)));
  const double log_p = -7.0 / 5 / 2 - std::log(5) / 2 - std::log(2 * std::numbers::pi);
  EXPECT_NEAR(gp.log_marginal_likelihood(), log_p, 1e-14);
}

TEST(GaussianProcess, OutputsAreProcessesOfTheirOwn) {
  const std::vector<double> k = {2, 1, 1, 3};
  const GaussianProcess both(k, {1, -3, 2, 0.5}, 2), first(k, {1, 2}, 1), second(k, {-3, 0.5}, 1);
  EXPECT_DOUBLE_EQ(both.log_marginal_likelihood(),
                   first.log_marginal_likelihood() + second.log_marginal_likelihood());
  const std::vector<double> cross = {1, 1, 0.5, 2};
  const auto mean = both.mean(cross, 2), one = first.mean(cross, 2), other = second.mean(cross, 2);
  EXPECT_THAT(mean, Pointwise(DoubleNear(1e-15), {one[0], other[0], one[1], other[1]}));
}

TEST(GaussianProcess, ReadsTheLowerTriangleAndAddsNoise) {
  const GaussianProcess gp({1, 99, 1, 2}, {1, 2}, 1, {.noise = 1, .relative_jitter = 0});
  EXPECT_THAT(gp.mean({1, 1}, 1), ElementsAre(DoubleNear(4.0 / 5, 1e-15)));
}

TEST(GaussianProcess, TakesJitterByTheScaleOfTheKernelAndSaysHowMuch) {
  for (const double scale : {1e-8, 1.0, 1e12}) {
    // The same row three times: rank one.
    const GaussianProcess gp(std::vector<double>(9, scale), {1, 1, 1}, 1);
    EXPECT_GE(gp.relative_jitter(), 1e-14);
    EXPECT_LE(gp.relative_jitter(), 1e-12);
    EXPECT_NEAR(gp.mean(std::vector<double>(3, scale), 1)[0], 1, 1e-2);
  }
  const GaussianProcess asked({2, 1, 1, 3}, {1, 2}, 1, {.noise = 0, .relative_jitter = 0.4});
  const GaussianProcess noisy({2, 1, 1, 3}, {1, 2}, 1, {.noise = 1, .relative_jitter = 0});
  EXPECT_DOUBLE_EQ(asked.log_marginal_likelihood(), noisy.log_marginal_likelihood());
}

TEST(GaussianProcess, RefusesWhatIsNoKernel) {
  using Domain = std::domain_error;
  EXPECT_THAT(
      [] {
        GaussianProcess({1, 5, 5, 1}, {1, 2}, 1);
      },
      testing::ThrowsMessage<Domain>(HasSubstr("not positive definite")));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THROW(GaussianProcess({1, 0, nan, 1}, {1, 2}, 1), Domain);
  EXPECT_THROW(GaussianProcess({1, 0, 0, 1}, {1, nan}, 1), Domain);
  EXPECT_THROW(GaussianProcess({1, 0, 0, 1}, {1, 2}, 1, {.noise = -1, .relative_jitter = 0}),
               Domain);
  EXPECT_THROW(GaussianProcess({1, 0, 0, 1}, {1, 2, 3}, 1), std::invalid_argument);
  EXPECT_THROW(GaussianProcess({}, {}, 1), std::invalid_argument);
  EXPECT_THROW(GaussianProcess({1}, {1}, 0), std::invalid_argument);
  const GaussianProcess gp({2, 1, 1, 3}, {1, 2}, 1);
  EXPECT_THROW(gp.mean({1, 2, 3}, 1), std::invalid_argument);
  EXPECT_THROW(gp.variance({1, 2, 3}, {1}), std::invalid_argument);
}

TEST(GaussianProcess, TargetsOfClassesSumToZeroAndComeBack) {
  const std::vector<std::int32_t> label = {2, 0, 1, 2};
  const std::vector<double> y = class_targets(label, 3);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(y[3 * i] + y[3 * i + 1] + y[3 * i + 2], 0, 1e-15);
  EXPECT_NEAR(y[2], 2.0 / 3, 1e-15);
  EXPECT_EQ(class_of(y, 3), label);
  EXPECT_THROW(class_targets({3}, 3), std::domain_error);
  EXPECT_THROW(class_targets({-1}, 3), std::domain_error);
}

/// Points on two rings, labelled by ring.
struct Rings {
  std::vector<double> x;
  std::vector<std::int32_t> label;
  std::size_t rows;

  Rings(std::size_t rows, std::uint64_t seed) : rows(rows) {
    const Stream stream{.seed = seed};
    for (std::size_t i = 0; i < rows; ++i) {
      const double turn = 2 * std::numbers::pi * stream.uniform(2 * i);
      label.push_back(i % 2);
      const double radius = 1 + static_cast<double>(i % 2) + 0.2 * stream.uniform(2 * i + 1);
      x.insert(x.end(), {radius * std::cos(turn), radius * std::sin(turn)});
    }
  }
  operator RowsView() const { return {x.data(), rows, 2}; }
};

std::vector<double> kernel_of(const GramOptions& o, const RowsView& x) {
  std::vector<double> k(x.rows * x.rows);
  gram(o, x, {k.data(), nullptr});
  return k;
}
std::vector<double> cross_of(const GramOptions& o, const RowsView& x, const RowsView& y) {
  std::vector<double> k(x.rows * y.rows);
  gram(o, x, y, {k.data(), nullptr});
  return k;
}

TEST(GaussianProcess, TellsTwoRingsApart) {
  const Rings train(200, 1), test(100, 2);
  GramOptions o;
  o.sigma_b2 = 0.5;
  o.mu2 = 1.02;
  const GaussianProcess gp(kernel_of(o, train), class_targets(train.label, 2), 2);
  const std::vector<double> cross = cross_of(o, test, train);
  const auto got = class_of(gp.mean(cross, test.rows), 2);
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.rows; ++i) right += got[i] == test.label[i];
  EXPECT_GE(right, 98u);
  std::vector<double> prior(test.rows);
  gram_diagonal(o, test, {prior.data(), nullptr});
  const std::vector<double> variance = gp.variance(cross, prior);
  for (std::size_t i = 0; i < test.rows; ++i) {
    EXPECT_GT(variance[i], 0);
    EXPECT_LT(variance[i], prior[i]);
  }
}

// The kernel of ReLU without biases is homogeneous in sigma_w2: Pretorius, Kamper & Kroon (2020).
TEST(GaussianProcess, MeanDoesNotDependOnTheWeightsVarianceOfReluWithoutBiases) {
  const Rings train(60, 1), test(20, 2);
  std::vector<std::vector<double>> means;
  for (const double sigma_w2 : {0.5, 1.6, 30.0}) {
    GramOptions o;
    o.sigma_w2 = sigma_w2;
    o.mu2 = 1.25;
    const GaussianProcess gp(kernel_of(o, train), class_targets(train.label, 2), 2);
    EXPECT_EQ(gp.relative_jitter(), 0);
    means.push_back(gp.mean(cross_of(o, test, train), test.rows));
  }
  EXPECT_THAT(means[1], Pointwise(DoubleNear(1e-11), means[0]));
  EXPECT_THAT(means[2], Pointwise(DoubleNear(1e-11), means[0]));
}

// Noise adds to the diagonal only, so it makes a kernel better conditioned, never worse.
TEST(GaussianProcess, FactorisesEveryActivationsKernelsWithoutJitter) {
  const Rings train(40, 3);
  for (const char* phi : {"relu", "leaky_relu", "erf", "tanh", "hard_tanh", "sigmoid", "gelu",
                          "silu", "elu", "sine", "linear"}) {
    for (const double residual : {0.0, 0.7}) {
      GramOptions o;
      o.activation = Activation::parse(phi);
      o.depth = 3;
      o.mu2 = 1.1;
      o.sigma_b2 = 0.05;
      if (residual > 0) o.residual = residual;
      std::vector<double> nngp(40 * 40), ntk(40 * 40);
      gram(o, train, {nngp.data(), ntk.data()});
      const std::vector<double> y(40, 1);
      EXPECT_EQ(GaussianProcess(nngp, y, 1).relative_jitter(), 0) << phi;
      EXPECT_EQ(GaussianProcess(ntk, y, 1).relative_jitter(), 0) << phi;
    }
  }
}

}  // namespace
}  // namespace scalemix::signal
