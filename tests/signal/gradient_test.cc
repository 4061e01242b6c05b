#include "scalemix/signal/gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include <utility>
#include <vector>

#include "scalemix/random/stream.h"
#include "tests/signal/networks.h"

namespace scalemix::signal {
namespace {

using test::network;

// Huang et al. (2020): dropout of keep probability r, term by term.
TEST(LinearGradient, OfDropoutIsThePublishedSum) {
  const double w = 0.5, b = 0.1;
  for (const double r : {0.6, 0.8, 1.0}) {
    const Network net = network("linear", test::dropout_keeping(r), w, b);
    const double x = w / r, q = b / (1 - x), q12 = b / (1 - w);
    for (const int k : {0, 1, 2, 7, 60}) {
      double same = r, cross = 0;
      for (int i = 1; i <= k; ++i) same += std::pow(x, i);
      for (int i = 0; i <= k; ++i) cross += std::pow(w / (r * r), i);
      same *= 4 * (q / r) * (q / r) * std::pow(x, k);
      cross *= 4 * q12 * q12 * std::pow(w, k);
      const LinearGradients g = linear_gradient(net, k);
      ASSERT_TRUE(g.value) << g.reason;
      EXPECT_NEAR(g.value->same / same, 1, 1e-12) << r << " " << k;
      EXPECT_NEAR(g.value->cross / cross, 1, 1e-12) << r << " " << k;
    }
  }
}

TEST(LinearGradient, DecaysByTheGradientSlopeAMillionLayersDown) {
  const LinearGradients g =
      linear_gradient(network("linear", "bernoulli:p=0.2", 0.5, 0.1), 1000000);
  EXPECT_EQ(g.value->same, 0);
  EXPECT_EQ(g.value->cross, 0);
}

TEST(LinearGradient, SaysWhyThereIsNone) {
  EXPECT_EQ(linear_gradient(network("tanh", "", 0.5, 0.1), 3).reason,
            "only linear networks have a closed form");
  EXPECT_EQ(linear_gradient(network("linear", "", 1, 0.1), 3).reason,
            "the variance has no fixed point");
  EXPECT_EQ(linear_gradient(network("linear", "", 0.5), 3).reason, "the variance shrinks to 0");
  EXPECT_FALSE(linear_gradient(network("linear", "half_cauchy", 0.5, 0.1), 3).value);
  EXPECT_FALSE(linear_gradient(test::with_additive("linear", 1, 0.5, 0.1), 3).value);
}

/// Random linear networks: E (dE/dW)^2 averaged over the entries of each layer's weights.
class Simulation {
 public:
  Simulation(std::string_view law, double w, double b, std::uint64_t seed)
      : law_(law::AnyLaw::parse(law)), w_(w), b_(b), seed_(seed) {}

  /// Squared gradients of the last `depth` layers, the output's first.
  std::vector<double> run(std::size_t depth) {
    std::vector<std::vector<double>> weights, masks, inputs;
    const double q = b_ / (1 - w_ * law_.mu2());
    std::vector<double> h(kWidth);
    for (double& x : h) x = std::sqrt(q) * normal();
    for (std::size_t l = 0; l < depth; ++l) {
      std::vector<double> z(kWidth), weight(kWidth * kWidth), next(kWidth);
      for (std::size_t i = 0; i < kWidth; ++i) z[i] = mask();
      for (double& x : weight) x = std::sqrt(w_ / kWidth) * normal();
      for (std::size_t i = 0; i < kWidth; ++i) h[i] *= z[i];
      for (std::size_t i = 0; i < kWidth; ++i) {
        next[i] = std::sqrt(b_) * normal();
        for (std::size_t j = 0; j < kWidth; ++j) next[i] += weight[i * kWidth + j] * h[j];
      }
      weights.push_back(std::move(weight));
      masks.push_back(std::move(z));
      inputs.push_back(std::move(h));
      h = std::move(next);
    }
    std::vector<double> back, result;
    for (const double x : h) back.push_back(2 * x);
    for (std::size_t l = depth; l-- > 0;) {
      result.push_back(mean_square(back) * mean_square(inputs[l]));
      std::vector<double> down(kWidth);
      for (std::size_t i = 0; i < kWidth; ++i) {
        for (std::size_t j = 0; j < kWidth; ++j) down[j] += weights[l][i * kWidth + j] * back[i];
      }
      for (std::size_t j = 0; j < kWidth; ++j) down[j] *= masks[l][j];
      back = std::move(down);
    }
    return result;
  }

 private:
  static constexpr std::size_t kWidth = 100;
  static double mean_square(const std::vector<double>& v) {
    double sum = 0;
    for (const double x : v) sum += x * x;
    return sum / static_cast<double>(v.size());
  }
  double normal() { return normal_.raw()(Stream{.seed = seed_, .stream = 1}.word(element_++)); }
  double mask() { return law_.multiplier()(Stream{.seed = seed_, .stream = 2}.word(element_++)); }

  law::AnyLaw law_, normal_ = law::AnyLaw::parse("normal");
  double w_, b_;
  std::uint64_t seed_, element_ = 0;
};

// kappa is 2.5 here and mu2 is 2, so that a formula made for dropout alone, where they are equal,
// would miss the second layer by 10 % and the third by more.
TEST(LinearGradient, HoldsInRandomNetworksWithGaussianNoise) {
  const std::size_t depth = 4;
  const int nets = 400;
  const Network net = network("linear", "gaussian:alpha=1", 0.4, 0.1);
  std::vector<double> mean(depth), square(depth);
  Simulation simulation("gaussian:alpha=1", 0.4, 0.1, 11);
  for (int n = 0; n < nets; ++n) {
    const std::vector<double> g = simulation.run(depth);
    for (std::size_t k = 0; k < depth; ++k) mean[k] += g[k] / nets, square[k] += g[k] * g[k] / nets;
  }
  for (std::size_t k = 0; k < depth; ++k) {
    const double error = std::sqrt((square[k] - mean[k] * mean[k]) / nets);
    const double theory = linear_gradient(net, k).value->same;
    // Five standard errors, and what a width of 100 adds.
    EXPECT_NEAR(mean[k], theory, 5 * error + 0.03 * theory) << k << " error " << error / theory;
  }
}

}  // namespace
}  // namespace scalemix::signal
