#include "scalemix/signal/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

namespace scalemix::signal {
namespace {

using law::AnyLaw;

TEST(NoiseMoments, AreNoNoiseByDefault) {
  const NoiseMoments none;
  EXPECT_EQ(none.mu2, 1);
  EXPECT_EQ(none.alpha(), 0);
  EXPECT_EQ(none.kurtosis(), 1);
  EXPECT_EQ(multiplicative(AnyLaw::parse("bernoulli:p=0")).mu2, 1);
}

TEST(NoiseMoments, AreThoseOfTheMultiplier) {
  const NoiseMoments dropout = multiplicative(AnyLaw::parse("bernoulli:p=0.2"));
  EXPECT_DOUBLE_EQ(dropout.mu2, 1.25);
  EXPECT_DOUBLE_EQ(dropout.kurtosis(), 1.25);
  EXPECT_DOUBLE_EQ(multiplicative(AnyLaw::parse("poisson:rate=1")).mu2, 2);
  EXPECT_DOUBLE_EQ(dropout.mu3, 1.25 * 1.25);
  EXPECT_DOUBLE_EQ(joined(dropout, gaussian_noise(0.3)).mu3, 1.25 * 1.25 * 1.9);
  EXPECT_DOUBLE_EQ(gaussian_noise(0.3).mu3,
                   multiplicative(AnyLaw::parse("gaussian:alpha=0.3")).mu3);
  EXPECT_DOUBLE_EQ(gaussian_noise(0.3).mu4,
                   multiplicative(AnyLaw::parse("gaussian:alpha=0.3")).mu4);
}

TEST(NoiseMoments, SayWhereAMomentIsInfinite) {
  const NoiseMoments horseshoe = multiplicative(AnyLaw::parse("half_cauchy"));
  EXPECT_EQ(horseshoe.mu2, std::numeric_limits<double>::infinity());
  EXPECT_FALSE(horseshoe.finite());
}

TEST(NoiseMoments, KnowALawWithoutMean) {
  const NoiseMoments normal = multiplicative(AnyLaw::parse("normal:scale=2"));
  EXPECT_EQ(normal.mean, 0);
  EXPECT_EQ(normal.mu2, 4);
}

TEST(AdditiveNoise, HasTheSecondMomentOfTheLaw) {
  const NoiseMoments noise = additive(AnyLaw::parse("normal:scale=0.5"));
  EXPECT_TRUE(noise.additive);
  EXPECT_EQ(noise.s2, 0.25);
  EXPECT_EQ(noise.mu2, 1);
}

TEST(AdditiveNoise, RefusesALawWhoseMeanIsNotZero) {
  EXPECT_THROW(additive(AnyLaw::parse("gaussian")), std::domain_error);
  EXPECT_THROW(additive(AnyLaw::parse("half_cauchy")), std::domain_error);
  EXPECT_THROW(gaussian_noise(-1), std::domain_error);
}

}  // namespace
}  // namespace scalemix::signal
