#include "scalemix/signal/finite_width.h"

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "scalemix/random/stream.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::network;

// 6 mu4 / mu2^2 - 1 per layer over the width: dropout 0.4 and Gaussian noise of variance 0.25.
TEST(LogVariance, OfReluIsSixTimesTheKurtosisLessOne) {
  const auto dropout = log_variance(network("relu", "bernoulli:p=0.4", 1.2), 3, 20, 500);
  ASSERT_TRUE(dropout);
  EXPECT_NEAR(dropout->mean, -0.18, 1e-14);
  EXPECT_NEAR(dropout->variance, 0.36, 1e-14);
  const auto gauss = log_variance(network("relu", "gaussian:alpha=0.25", 1.9), 1, 20, 500);
  EXPECT_NEAR(gauss->mean, -0.1864, 1e-14);
  EXPECT_NEAR(gauss->variance, 0.3728, 1e-14);
  EXPECT_NEAR(log_variance(network("linear", "", 1), 1, 10, 100)->variance, 0.2, 1e-14);
  EXPECT_EQ(log_variance(network("relu", "", 1), 1, 0, 100)->variance, 0);
}

TEST(LogVariance, OfReluIsTheLimitOfAVanishingBias) {
  const auto closed = log_variance(network("leaky_relu:slope=0.2", "gaussian", 1.2), 1, 30, 500);
  const auto walked =
      log_variance(network("leaky_relu:slope=0.2", "gaussian", 1.2, 1e-14), 1, 30, 500);
  EXPECT_NEAR(walked->mean, closed->mean, 1e-9);
  EXPECT_NEAR(walked->variance, closed->variance, 1e-9);
}

TEST(LogVariance, OfTanhSettles) {
  const Network net = network("tanh", "bernoulli:p=0.1", 1.5, 0.05);
  const auto deep = log_variance(net, 1, 1000000, 100), less = log_variance(net, 1, 200, 100);
  EXPECT_NEAR(deep->variance, less->variance, 1e-12);
  EXPECT_NEAR(deep->mean, less->mean, 1e-12);
  EXPECT_GT(deep->variance, 0);
}

TEST(LogVariance, IsEmptyWhereItDoesNotHold) {
  EXPECT_FALSE(log_variance(network("relu", "half_cauchy", 1), 1, 10, 100));
  EXPECT_FALSE(log_variance(test::with_additive("relu", 1, 1), 1, 10, 100));
  EXPECT_FALSE(log_variance(network("tanh", "", 0), 1, 10, 100));
  EXPECT_FALSE(log_variance(network("elu", "", 20), 1, 1000, 100));
  Network residual = network("relu", "", 1);
  residual.branch = 1;
  EXPECT_FALSE(log_variance(residual, 1, 10, 100));
  EXPECT_THROW(log_variance(network("relu", "", 1), 1, 10, 0), std::domain_error);
}

// Two layers by hand: ln q after the first takes the values mean +- deviation.
TEST(LogVariance, CarriesTheMeanThroughTheMapsBend) {
  const Network net = network("tanh", "bernoulli:p=0.2", 1.8, 0.05);
  const double width = 1e4, q0 = 2, q1 = variance_map(net, q0), q2 = variance_map(net, q1);
  const auto one = log_variance(net, q0, 1, width), two = log_variance(net, q0, 2, width);
  const double carried = net.noise.mu2 * second(net.activation, q1);
  const double added = std::pow(net.sigma_w2 / q2, 2) *
                       (net.noise.mu4 * fourth(net.activation, q1) - carried * carried) / width;
  const double middle = std::log(q1) + one->mean, deviation = std::sqrt(one->variance);
  const double up = std::log(variance_map(net, std::exp(middle + deviation)));
  const double down = std::log(variance_map(net, std::exp(middle - deviation)));
  EXPECT_NEAR(two->mean, (up + down) / 2 - std::log(q2) - added / 2, 1e-3 * std::abs(two->mean));
  EXPECT_NEAR(two->variance, std::pow((up - down) / 2, 2) + added, 1e-3 * two->variance);
}

struct Case {
  const char *phi, *law;
  double sigma_w2, sigma_b2;
};
class Walk : public testing::TestWithParam<Case> {};
INSTANTIATE_TEST_SUITE_P(Networks, Walk,
                         testing::Values(Case{"relu", "gaussian:alpha=0.25", 1.6, 0},
                                         Case{"tanh", "bernoulli:p=0.2", 1.8, 0.05},
                                         Case{"elu", "bernoulli:p=0.5", 0.6, 0.4},
                                         Case{"leaky_relu:slope=0.3", "uniform", 1, 0.3}),
                         [](const auto& info) { return "n" + std::to_string(info.index); });

// The walk of q itself, sampled; given q, a layer's units are independent.
TEST_P(Walk, OfSampledVariancesHasTheMeanAndSpread) {
  const int walks = 10000, depth = 4, width = 60;
  const auto& [phi, law_spec, sigma_w2, sigma_b2] = GetParam();
  const Network net = network(phi, law_spec, sigma_w2, sigma_b2);
  const auto law = law::AnyLaw::parse(law_spec), normal = law::AnyLaw::parse("normal");
  const Stream s1{.seed = 7, .stream = 1}, s2{.seed = 7, .stream = 2};
  double sum = 0, squares = 0;
  std::uint64_t element = 0;
  const double start = std::log(variance_trajectory(net, 1, depth).q.back());
  for (int n = 0; n < walks; ++n) {
    double q = 1;
    for (int l = 0; l < depth; ++l) {
      double y = 0;
      for (int i = 0; i < width; ++i, ++element) {
        const double u = std::sqrt(q) * normal.raw()(s1.word(element));
        y += std::pow(law.multiplier()(s2.word(element)) * net.activation.value(u), 2);
      }
      q = sigma_w2 * y / width + sigma_b2;
    }
    const double log = std::log(q) - start;
    sum += log;
    squares += log * log;
  }
  const double mean = sum / walks, variance = squares / walks - mean * mean;
  const auto theory = log_variance(net, 1, depth, width);
  ASSERT_TRUE(theory);
  // Five standard errors, and a share of the next order in 1 / width.
  EXPECT_NEAR(variance / theory->variance, 1, 0.07 + theory->variance / 2);
  EXPECT_NEAR(mean, theory->mean,
              5 * std::sqrt(variance / walks) + std::abs(theory->mean) * theory->variance);
}

}  // namespace
}  // namespace scalemix::signal
