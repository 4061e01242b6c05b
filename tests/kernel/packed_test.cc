#include "scalemix/kernel/packed.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

/// A product whose rows are `pad` longer than they need to be.
struct Case {
  std::size_t m, n, k, pad = 0;
  bool bias = true;

  std::size_t ldx() const { return k + pad; }
  std::size_t ldy() const { return n + pad; }
  std::vector<float> x() const { return values(m * ldx(), -1, 1, 1); }
  std::vector<float> w() const { return values(n * ldx(), -1, 1, 2); }
  std::vector<float> b() const { return bias ? values(n, -1, 1, 3) : std::vector<float>(); }
};

/// y, with what lies between its rows still NaN.
std::vector<float> product(const Case& c) {
  const auto x = c.x(), w = c.w(), b = c.b();
  std::vector<float> packed(packed_size(c.n, c.k), NAN), y(c.m * c.ldy(), NAN);
  pack(c.n, c.k, w.data(), c.ldx(), packed.data());
  packed_product(c.m, c.n, c.k, x.data(), c.ldx(), packed.data(), c.bias ? b.data() : nullptr,
                 y.data(), c.ldy());
  return y;
}

void expect_reference(const Case& c) {
  SCOPED_TRACE(testing::Message() << c.m << " x " << c.n << " x " << c.k << " pad " << c.pad);
  const auto x = c.x(), w = c.w(), b = c.b();
  std::vector<float> expected(c.m * c.ldy(), NAN);
  ref::packed_product(c.m, c.n, c.k, x.data(), c.ldx(), w.data(), c.ldx(),
                      c.bias ? b.data() : nullptr, expected.data(), c.ldy());
  const std::vector<float> y = product(c);
  const double bound = 1.2e-7 * static_cast<double>(c.k + 2);
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (std::isnan(expected[i])) {
      ASSERT_TRUE(std::isnan(y[i])) << "written beyond the row, at " << i;
    } else {
      ASSERT_NEAR(y[i], expected[i], bound) << i;
    }
  }
}

TEST(Packed, IsTheProductOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t m : {1, 2, 3, 4, 5, 7, 11, 12, 13, 25}) {
      for (const std::size_t n : {1, 3, 4, 5, 15, 16, 17, 31, 32, 33, 50, 130}) {
        for (const std::size_t k : {0, 1, 2, 7, 9, 64}) {
          expect_reference({m, n, k, 3 * (n % 2), k % 2 == 0});
        }
      }
    }
  });
}

TEST(Packed, DeepAndTallProductsAreCutIntoBlocks) {
  for_every_target([] {
    for (const std::size_t k : {255, 256, 257, 784, 1025}) {
      expect_reference({1, 40, k});
      expect_reference({4, 33, k, 1});
      expect_reference({4, 33, k, 0, false});
    }
    expect_reference({253, 65, 40});
    expect_reference({600, 10, 300, 2});
  });
}

TEST(Packed, NothingIsReadOrWrittenWithoutRowsOrUnits) {
  packed_product(0, 5, 3, nullptr, 3, nullptr, nullptr, nullptr, 5);
  packed_product(5, 0, 3, nullptr, 3, nullptr, nullptr, nullptr, 0);
  EXPECT_EQ(packed_size(0, 3), 0);
  EXPECT_EQ(packed_size(33, 3), 64 * 3);
}

TEST(Packed, TheOrderOfTheWeightsIsThatOfTheHeader) {
  for_every_target([] {
    const std::size_t n = 37, k = 6;
    const auto w = values(n * k, -1, 1);
    std::vector<float> packed(packed_size(n, k), NAN);
    pack(n, k, w.data(), k, packed.data());
    for (std::size_t i = 0; i < packed.size(); ++i) {
      const std::size_t unit = i / (32 * k) * 32 + i % 32, input = i / 32 % k;
      ASSERT_EQ(packed[i], unit < n ? w[unit * k + input] : 0) << i;
    }
  });
}

TEST(Packed, ThreadsChangeNoBit) {
  for (const Case& c : {Case{1, 900, 500}, Case{300, 130, 700}}) {
    std::vector<std::vector<float>> ends;
    for_some_threads([&] { ends.push_back(product(c)); });
    EXPECT_EQ(ends[0], ends[1]);
    EXPECT_EQ(ends[0], ends[2]);
  }
}

TEST(Packed, NanInAFactorReachesItsRowAlone) {
  const float nan = NAN, w[] = {1, 1}, x[] = {nan, 0, 1, 2};
  std::vector<float> packed(packed_size(1, 2)), y(2);
  pack(1, 2, w, 2, packed.data());
  packed_product(2, 1, 2, x, 2, packed.data(), nullptr, y.data(), 1);
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_EQ(y[1], 3);
}

}  // namespace
}  // namespace scalemix::kernel
