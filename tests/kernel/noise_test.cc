#include "scalemix/kernel/noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/target.h"
#include "scalemix/law/any_law.h"

namespace scalemix::kernel {
namespace {

constexpr std::size_t kTile = 16384;
const Stream kStream{0x123456789abcdef0, 0x10000007, 3};

// One law of each kind of sampler, and a finer table.
const std::vector<std::string> kLaws = {"bernoulli:p=0.3",     "uniform:half_width=0.5",
                                        "gaussian:alpha=0.25", "poisson:rate=2",
                                        "poisson:rate=40",     "gamma:shape=0.05"};

std::vector<std::string> every_law() {
  std::vector<std::string> names;
  for (const law::LawRow& row : law::laws()) names.emplace_back(row.name);
  return names;
}

/// The same bits, NaN for NaN.
testing::AssertionResult same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return testing::AssertionFailure() << "sizes differ";
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
      return testing::AssertionFailure() << "element " << i << ": " << a[i] << " and " << b[i];
    }
  }
  return testing::AssertionSuccess();
}

std::vector<float> ramp(std::size_t n) {
  std::vector<float> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = 0.25f + 0.001f * static_cast<float>(i % 1999);
  return x;
}

std::size_t size(const Site& site) { return site.rows * site.columns * site.inner; }

std::vector<float> noisy(const law::AnyLaw& law, const Stream& stream, const Site& site,
                         const std::vector<float>& x, Combine mode = Combine::multiply) {
  std::vector<float> y(x.size(), -7.0f);
  noise(law.multiplier(), stream, site, mode, x.data(), y.data());
  return y;
}

std::vector<float> reference(const law::AnyLaw& law, const Stream& stream, const Site& site,
                             const std::vector<float>& x, Combine mode = Combine::multiply) {
  std::vector<float> y(x.size(), -8.0f);
  ref::noise(law.multiplier(), stream, site, mode, x.data(), y.data());
  return y;
}

Site unit(std::size_t rows, std::size_t columns, std::uint64_t row0 = 0) {
  Site site;
  site.rows = rows;
  site.columns = columns;
  site.row0 = row0;
  return site;
}

Site channel(std::size_t rows, std::size_t columns, std::size_t inner) {
  Site site = unit(rows, columns);
  site.inner = inner;
  return site;
}

/// Runs with one target forced, and gives the fastest one and the number of threads back.
class OnTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_target(GetParam()); }
  void TearDown() override {
    force_target("");
    set_threads(threads_before_);
  }

 private:
  int threads_before_ = threads();
};

INSTANTIATE_TEST_SUITE_P(Targets, OnTarget, testing::ValuesIn(available_targets()),
                         [](const auto& info) { return info.param; });

TEST_P(OnTarget, IsTheOneThatWasForced) { EXPECT_EQ(active_target(), GetParam()); }

TEST_P(OnTarget, NoiseIsTheReferenceBitForBitAtEverySize) {
  for (const std::string& spec : kLaws) {
    const law::AnyLaw law = law::AnyLaw::parse(spec);
    for (const std::size_t n : {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{63},
                                std::size_t{64}, std::size_t{65}, kTile - 1, kTile, kTile + 1}) {
      for (const Combine mode : {Combine::multiply, Combine::add}) {
        const std::vector<float> x = ramp(n);
        EXPECT_TRUE(same_bits(noisy(law, kStream, unit(1, n), x, mode),
                              reference(law, kStream, unit(1, n), x, mode)))
            << spec << ", n = " << n;
      }
    }
  }
}

TEST_P(OnTarget, EveryLawIsTheReferenceBitForBit) {
  for (const std::string& name : every_law()) {
    const law::AnyLaw law = law::AnyLaw::parse(name);
    const std::vector<float> x = ramp(2501);
    EXPECT_TRUE(
        same_bits(noisy(law, kStream, unit(1, 2501), x), reference(law, kStream, unit(1, 2501), x)))
        << name;
  }
}

TEST_P(OnTarget, AnyFirstElementGivesTheReference) {
  const law::AnyLaw law = law::AnyLaw::parse("laplace");
  for (const std::size_t columns : {1, 2, 5, 7, 33}) {
    for (const std::uint64_t row0 : {0, 1, 2, 3, 1000001}) {
      const Site site = unit(19, columns, row0);
      const std::vector<float> x = ramp(size(site));
      EXPECT_TRUE(same_bits(noisy(law, kStream, site, x), reference(law, kStream, site, x)))
          << columns << " columns from row " << row0;
    }
  }
}

TEST_P(OnTarget, TheCounterCarriesIntoItsUpperHalf) {
  const law::AnyLaw law = law::AnyLaw::parse("gaussian");
  for (const std::uint64_t first : {(std::uint64_t{1} << 34) - 101, std::uint64_t{1} << 34,
                                    (std::uint64_t{5} << 34) - 2, ~std::uint64_t{0} - 2000}) {
    Site site = unit(1, 1000, first);
    site.columns = 1;
    site.rows = 1000;
    const std::vector<float> x = ramp(1000);
    EXPECT_TRUE(same_bits(noisy(law, kStream, site, x), reference(law, kStream, site, x)))
        << "first element " << first;
  }
}

TEST_P(OnTarget, AChannelOrLayerSharesItsDraw) {
  for (const std::string& spec : kLaws) {
    const law::AnyLaw law = law::AnyLaw::parse(spec);
    for (const Site& site : {channel(3, 5, 49), channel(2, 700, 2), channel(4, 1, 20000),
                             channel(1, 3, kTile), channel(1, 3, kTile + 1), channel(5, 7, 8193)}) {
      const std::vector<float> x = ramp(size(site));
      EXPECT_TRUE(same_bits(noisy(law, kStream, site, x), reference(law, kStream, site, x)))
          << spec << " " << site.rows << " x " << site.columns << " x " << site.inner;
    }
  }
}

TEST_P(OnTarget, ColumnsMayBeFewerThanTheLogicalWidth) {
  const law::AnyLaw law = law::AnyLaw::parse("gaussian");
  Site site = unit(50, 13, 4);
  site.width = 17;
  const std::vector<float> x = ramp(size(site));
  EXPECT_TRUE(same_bits(noisy(law, kStream, site, x), reference(law, kStream, site, x)));
}

TEST_P(OnTarget, PointersNeedNoAlignmentAndNothingElseIsWritten) {
  const law::AnyLaw law = law::AnyLaw::parse("gaussian");
  for (std::size_t offset = 0; offset < 5; ++offset) {
    const std::size_t n = 333;
    std::vector<float> x = ramp(n + offset), y(n + offset + 7, 99.0f);
    noise(law.multiplier(), kStream, unit(1, n), Combine::multiply, x.data() + offset,
          y.data() + offset);
    const std::vector<float> exact =
        reference(law, kStream, unit(1, n), std::vector<float>(x.begin() + offset, x.end()));
    EXPECT_TRUE(same_bits(std::vector<float>(y.begin() + offset, y.begin() + offset + n), exact));
    for (std::size_t i = 0; i < offset; ++i) EXPECT_EQ(y[i], 99.0f);
    for (std::size_t i = n + offset; i < y.size(); ++i) EXPECT_EQ(y[i], 99.0f);
  }
}

TEST_P(OnTarget, WorksInPlace) {
  const law::AnyLaw law = law::AnyLaw::parse("bernoulli:p=0.5");
  for (const Site& site : {unit(1, 1001), unit(7, 30, 3), channel(3, 4, 25)}) {
    std::vector<float> x = ramp(size(site));
    const std::vector<float> exact = reference(law, kStream, site, x);
    noise(law.multiplier(), kStream, site, Combine::multiply, x.data(), x.data());
    EXPECT_TRUE(same_bits(x, exact));
  }
}

TEST_P(OnTarget, SpecialValuesGoThroughAsInArithmetic) {
  const float infinity = std::numeric_limits<float>::infinity();
  const float values[] = {0.0f, -0.0f, infinity, -infinity, std::nanf(""), 1e-45f, -3e38f};
  std::vector<float> x(701);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = values[i % 7];
  const law::AnyLaw law = law::AnyLaw::parse("bernoulli:p=0.5");
  const std::vector<float> y = noisy(law, kStream, unit(1, 701), x);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const float exact = x[i] * law.multiplier()(kStream.word(i));
    EXPECT_EQ(std::isnan(y[i]), std::isnan(exact)) << i;
    if (!std::isnan(exact)) {
      EXPECT_EQ(y[i], exact) << i;
      EXPECT_EQ(std::signbit(y[i]), std::signbit(exact)) << i;
    }
  }
}

TEST_P(OnTarget, ThreadsChangeNothing) {
  const law::AnyLaw law = law::AnyLaw::parse("gaussian");
  for (const Site& site : {unit(3, 2 * kTile + 5), channel(9, 11, 500), channel(2, 1, 40000)}) {
    const std::vector<float> x = ramp(size(site));
    set_threads(1);
    const std::vector<float> one = noisy(law, kStream, site, x);
    for (const int count : {2, 3}) {
      set_threads(count);
      EXPECT_TRUE(same_bits(noisy(law, kStream, site, x), one)) << count << " threads";
    }
  }
}

TEST_P(OnTarget, SplittingTheBatchChangesNothing) {
  const law::AnyLaw law = law::AnyLaw::parse("gaussian");
  const std::size_t columns = 31;
  const std::vector<float> x = ramp(100 * columns);
  const std::vector<float> whole = noisy(law, kStream, unit(100, columns), x);
  for (const std::size_t at : {1, 37, 99}) {
    std::vector<float> parts(x.size());
    noise(law.multiplier(), kStream, unit(at, columns), Combine::multiply, x.data(), parts.data());
    noise(law.multiplier(), kStream, unit(100 - at, columns, at), Combine::multiply,
          x.data() + at * columns, parts.data() + at * columns);
    EXPECT_TRUE(same_bits(parts, whole)) << "cut at row " << at;
  }
}

TEST_P(OnTarget, AShrunkLayerKeepsTheNoiseOfWhatIsLeft) {
  const std::vector<std::int64_t> kept = {0, 3, 4, 5, 11, 18, 22};
  for (const std::size_t inner : {1, 9}) {
    Site full = unit(40, 23, 5), shrunk = unit(40, kept.size(), 5);
    full.inner = shrunk.inner = inner;
    shrunk.width = 23;
    shrunk.logical = kept.data();
    const law::AnyLaw law = law::AnyLaw::parse("gaussian");
    const std::vector<float> all = noisy(law, kStream, full, std::vector<float>(size(full), 1.5f));
    const std::vector<float> few =
        noisy(law, kStream, shrunk, std::vector<float>(size(shrunk), 1.5f));
    for (std::size_t i = 0; i < few.size(); ++i) {
      const std::size_t row = i / inner / kept.size(), column = kept[i / inner % kept.size()];
      ASSERT_EQ(few[i], all[(row * 23 + column) * inner]) << i;
    }
    EXPECT_TRUE(
        same_bits(few, reference(law, kStream, shrunk, std::vector<float>(size(shrunk), 1.5f))));
  }
}

TEST_P(OnTarget, ReplicasDifferAndEachIsItsSingleRun) {
  const law::AnyLaw law = law::AnyLaw::parse("bernoulli:p=0.5");
  const std::vector<float> x = ramp(500);
  const Stream other{kStream.seed + 1, kStream.stream, kStream.draw};
  const std::vector<float> a = noisy(law, kStream, unit(1, 500), x);
  const std::vector<float> b = noisy(law, other, unit(1, 500), x);
  EXPECT_NE(a, b);
  EXPECT_TRUE(same_bits(b, reference(law, other, unit(1, 500), x)));
}

TEST_P(OnTarget, TheAdjointOfMultiplyIsMultiply) {
  // <y(x), dy> = <x, dx(dy)> for the same stream, in double.
  const law::AnyLaw law = law::AnyLaw::parse("gaussian");
  const Site site = channel(4, 9, 10);
  const std::vector<float> x = ramp(size(site)), dy(size(site), 0.75f);
  const std::vector<float> y = noisy(law, kStream, site, x), dx = noisy(law, kStream, site, dy);
  EXPECT_NEAR(std::inner_product(y.begin(), y.end(), dy.begin(), 0.0),
              std::inner_product(x.begin(), x.end(), dx.begin(), 0.0), 1e-4);
}

TEST_P(OnTarget, DrawsAreTheNoiseOfOnes) {
  for (const std::string& spec : kLaws) {
    const law::AnyLaw law = law::AnyLaw::parse(spec);
    Site site = unit(3, kTile / 2 + 1, 7);
    std::vector<float> z(size(site));
    draws(law.multiplier(), kStream, site, z.data());
    EXPECT_TRUE(same_bits(z, reference(law, kStream, site, std::vector<float>(z.size(), 1.0f))))
        << spec;
  }
}

TEST_P(OnTarget, MeanAndVarianceAreTheLaws) {
  const std::size_t n = 400000;
  const law::AnyLaw law = law::AnyLaw::parse("gaussian:alpha=0.5");
  std::vector<float> z(n);
  draws(law.multiplier(), kStream, unit(1, n), z.data());
  double sum = 0, squares = 0;
  for (const float value : z) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(sum / n, 1, 5 * std::sqrt(0.5 / n));
  EXPECT_NEAR(squares / n, 1.5, 5 * std::sqrt((law.mu4() - 2.25) / n));
}

TEST_P(OnTarget, BitsOfBernoulliNoiseGiveTheSameProducts) {
  const law::AnyLaw law = law::AnyLaw::parse("bernoulli:p=0.3");
  for (const Site& site : {unit(1, 1), unit(4, 5), unit(1, 64, 2), unit(7, 12, 5), unit(5, 100, 1),
                           unit(1, kTile + 3), unit(9, 3 * kTile / 8 + 4, 3)}) {
    SCOPED_TRACE(testing::Message() << site.rows << " x " << site.columns);
    ASSERT_TRUE(has_bits(law.multiplier(), site));
    std::vector<float> x = ramp(size(site)), y(x.size()), again(x.size());
    x.back() = std::numeric_limits<float>::infinity();  // times 0 is NaN, as in noise()
    std::vector<std::uint8_t> bits(bit_bytes(x.size()), 0xA5);
    noise_with_bits(law.multiplier(), kStream, site, x.data(), y.data(), bits.data());
    noise_from_bits(law.multiplier(), x.size(), bits.data(), x.data(), again.data());
    EXPECT_TRUE(same_bits(y, noisy(law, kStream, site, x)));
    EXPECT_TRUE(same_bits(again, y));
  }
}

TEST(Noise, OnlyBernoulliInOrderHasBits) {
  const law::AnyLaw law = law::AnyLaw::parse("bernoulli:p=0.3");
  const std::int64_t some[] = {1, 0};
  EXPECT_TRUE(has_bits(law.multiplier(), unit(3, 2, 2)));
  EXPECT_FALSE(has_bits(law.multiplier(), unit(3, 2, 1)));  // begins within a block of four
  EXPECT_FALSE(has_bits(law.multiplier(), {.rows = 3, .columns = 2, .inner = 2}));
  EXPECT_FALSE(has_bits(law.multiplier(), {.rows = 3, .columns = 2, .width = 4}));
  EXPECT_FALSE(has_bits(law.multiplier(), {.rows = 3, .columns = 2, .logical = some}));
  EXPECT_FALSE(has_bits(law::AnyLaw::parse("gaussian").multiplier(), unit(3, 2)));
}

TEST_P(OnTarget, DrawsThatWereKeptMultiplyAsFreshOnesDo) {
  const law::AnyLaw law = law::AnyLaw::parse("gaussian:alpha=0.3");
  for (const std::size_t inner : {1, 2, 7, 100, 20000}) {
    Site site = unit(3, 5);
    site.inner = inner;
    const std::vector<float> x = ramp(size(site)), expected = noisy(law, kStream, site, x);
    std::vector<float> z(15), y(x.size()), in_place = x;
    draws(law.multiplier(), kStream, site, z.data());
    multiply_draws(15, inner, z.data(), x.data(), y.data());
    EXPECT_EQ(y, expected) << inner;
    multiply_draws(15, inner, z.data(), in_place.data(), in_place.data());
    EXPECT_EQ(in_place, expected) << inner;
  }
}

}  // namespace
}  // namespace scalemix::kernel
