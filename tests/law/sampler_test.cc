// The compiled samplers against the double quantile: the bound of sampler.h, for every law, on
// every segment.

#include "scalemix/law/sampler.h"

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/law/compile.h"
#include "scalemix/law/table.h"
#include "scalemix/random/stream.h"
#include "tests/law/cases.h"

namespace scalemix::law {
namespace {

class EverySampler : public testing::TestWithParam<std::string> {
 protected:
  const AnyLaw law = AnyLaw::parse(GetParam());
  const double mean = law.normalised() ? law.mean() : 1;

  /// |draw - quantile| over the stated bound, for the multiplier.
  double excess(std::uint32_t word) const {
    const double exact = law.quantile(uniform_of(word)) / mean;
    return std::abs(law.multiplier()(word) - exact) /
           (kTableError * std::max(std::abs(exact), scale));
  }
  const double scale =
      std::max({std::abs(law.quantile(0.25) / mean), std::abs(law.quantile(0.75) / mean),
                law.normalised() ? 1.0 : 0.0});
};

INSTANTIATE_TEST_SUITE_P(Laws, EverySampler, testing::ValuesIn(test::extreme_specs()),
                         [](const auto& info) { return test::test_name(info.param); });

/// Words of some k = word >> 9 in each segment of a table with 2^split segments to an octave:
/// first, last and two between.
std::vector<std::uint32_t> words_on_every_segment(std::uint32_t split) {
  std::set<std::uint32_t> words;
  for (std::uint32_t octave = 0; octave < kOctaves; ++octave) {
    for (std::uint32_t part = 0; part < 1u << split; ++part) {
      for (const double at : {0.0, 0.3, 0.7, 0.999999}) {
        const double m = std::ldexp(1 + (part + at) / (1u << split), static_cast<int>(octave));
        const std::uint32_t k = static_cast<std::uint32_t>(m) / 2;
        words.insert(k << 9);
        words.insert((0x7FFFFF - k) << 9);
      }
    }
  }
  return {words.begin(), words.end()};
}

TEST_P(EverySampler, KeepsTheStatedBoundOnEverySegment) {
  const Sampler& s = law.multiplier();
  const std::uint32_t split = s.kind == Sampler::Kind::table ? s.split : kMinSplit;
  double worst = 0;
  std::uint32_t where = 0;
  for (const std::uint32_t word : words_on_every_segment(split)) {
    if (const double e = excess(word); !(e <= worst)) {
      worst = e;
      where = word;
    }
  }
  EXPECT_LE(worst, 1) << "at u = " << uniform_of(where) << ", split " << split;
  RecordProperty("worst_error", std::to_string(worst * kTableError));
}

TEST_P(EverySampler, KeepsTheBoundAtTheFirstAndLastUniform) {
  EXPECT_LE(excess(0), 1);
  EXPECT_LE(excess(0xffffffff), 1);
}

TEST_P(EverySampler, DoesNotDependOnTheLowerNineBits) {
  for (const std::uint32_t k : {0u, 1u, 12345u, 0x3FFFFFu, 0x400000u, 0x7FFFFFu}) {
    EXPECT_EQ(law.multiplier()(k << 9), law.multiplier()(k << 9 | 511)) << k;
  }
}

TEST_P(EverySampler, RawDrawsAreTheMultiplierTimesTheMean) {
  for (const std::uint32_t word : {0u, 123456789u, 0x7FFFFFFFu, 0x80000000u, 0xffffffffu}) {
    const double raw = law.raw()(word), scaled = law.multiplier()(word) * mean;
    EXPECT_NEAR(raw, scaled, 1e-6 * std::max(std::abs(raw), scale * mean)) << word;
  }
}

TEST(BernoulliSampler, DropsExactlyTheUniformsUpToP) {
  for (const double p : {0.0, 0.1, 0.5, 0.9, 0x1p-23, 1 - 0x1p-23}) {
    const AnyLaw law = AnyLaw::make("bernoulli", std::vector<double>{p});
    const std::uint32_t cut = law.multiplier().cut;
    if (cut > 0) {
      EXPECT_LE(uniform_of((cut - 1) << 9), p);
      EXPECT_EQ(law.multiplier()((cut - 1) << 9), 0);
    }
    EXPECT_GT(uniform_of(cut << 9), p);
    EXPECT_EQ(law.multiplier()(cut << 9), static_cast<float>(1 / (1 - p)));
  }
}

TEST(StepSampler, IsTheQuantileItself) {
  for (const char* spec : {"poisson:rate=0.001", "poisson:rate=0.7", "poisson:rate=1000"}) {
    const AnyLaw law = AnyLaw::parse(spec);
    for (std::uint32_t word = 0; word < 0xffe00000; word += 0x00123400) {
      ASSERT_EQ(law.raw()(word), law.quantile(uniform_of(word))) << spec << " " << word;
    }
    EXPECT_EQ(law.raw()(0xffffffff), law.quantile(uniform_of(0xffffffff))) << spec;
  }
}

TEST(CubicTable, TakesMoreSegmentsOnlyForSteepLaws) {
  EXPECT_EQ(cubic_table([](double u) { return u; }).split, kMinSplit);
  EXPECT_GT(cubic_table([](double u) { return std::pow(u, 20); }).split, kMinSplit);
}

TEST(CubicTable, RefusesAJump) {
  EXPECT_THROW(cubic_table([](double u) { return u < 0.3 ? 0.0 : 1.0; }), std::domain_error);
}

// To make a table costs more than to draw a million numbers from it, so it must not be made anew
// with every AnyLaw, as an op makes one a call.
TEST(SharedTable, IsKeptForTheNextUser) {
  int calls = 0;
  const Quantile straight = [&calls](double u) { return ++calls, u; };
  const std::uint32_t split = shared_table("kept", straight)->split;
  EXPECT_EQ(split, kMinSplit);
  const int made = calls;
  EXPECT_GT(made, 0);
  EXPECT_EQ(shared_table("kept", straight)->split, split);
  EXPECT_EQ(calls, made);

  int counted = 0;
  const Quantile coin = [&counted](double u) { return ++counted, u < 0.5 ? 0.0 : 1.0; };
  shared_steps("kept", coin);
  const int steps = counted;
  EXPECT_GT(steps, 0);
  EXPECT_EQ(shared_steps("kept", coin)->thresholds.size(), 2u);
  EXPECT_EQ(counted, steps);
}

TEST(SharedTable, IsGivenUpWhenManyOthersCame) {
  int calls = 0;
  const Quantile straight = [&calls](double u) { return ++calls, u; };
  shared_table("first", straight);
  const int made = calls;
  const auto used = shared_table("used", straight);
  for (std::size_t i = 0; i < kKeptTables; ++i) {
    shared_table("other " + std::to_string(i), [](double u) { return u; });
  }
  shared_table("first", straight);
  EXPECT_EQ(calls, 3 * made);
  EXPECT_EQ(shared_table("used", straight), used);  // never twice at once
  EXPECT_EQ(calls, 3 * made);
}

}  // namespace
}  // namespace scalemix::law
