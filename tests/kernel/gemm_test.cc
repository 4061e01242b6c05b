#include "scalemix/kernel/gemm.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <tuple>
#include <vector>

#include "fixture.h"
#include "scalemix/base/parallel.h"

namespace scalemix::kernel {
namespace {

struct Product {
  Trans ta, tb;
  std::size_t m, n, k, pad;  // pad: how much longer a stored row is than it needs to be

  std::size_t lda() const { return (ta == Trans::yes ? m : k) + pad; }
  std::size_t ldb() const { return (tb == Trans::yes ? k : n) + pad; }
  std::size_t ldc() const { return n + pad; }
  std::size_t size_a() const { return (ta == Trans::yes ? k : m) * lda(); }
  std::size_t size_b() const { return (tb == Trans::yes ? n : k) * ldb(); }
};

template <class T>
double element(const Product& p, const std::vector<T>& a, const std::vector<T>& b, std::size_t i,
               std::size_t j) {
  double sum = 0;
  for (std::size_t l = 0; l < p.k; ++l) {
    const double left = p.ta == Trans::yes ? a[l * p.lda() + i] : a[i * p.lda() + l];
    const double right = p.tb == Trans::yes ? b[j * p.ldb() + l] : b[l * p.ldb() + j];
    sum += left * right;
  }
  return sum;
}

template <class T>
void expect_product(const Product& p, T beta) {
  const auto a = values<T>(p.size_a(), -1, 1, 1), b = values<T>(p.size_b(), -1, 1, 2);
  const auto before = values<T>(p.m * p.ldc(), -1, 1, 3);
  auto c = before;
  gemm(p.ta, p.tb, p.m, p.n, p.k, a.data(), p.lda(), b.data(), p.ldb(), beta, c.data(), p.ldc());
  const double bound = std::numeric_limits<T>::epsilon() * static_cast<double>(p.k + 2);
  for (std::size_t i = 0; i < p.m; ++i) {
    for (std::size_t j = 0; j < p.ldc(); ++j) {
      const std::size_t at = i * p.ldc() + j;
      if (j >= p.n) {
        ASSERT_EQ(c[at], before[at]) << "written beyond the row";
      } else {
        ASSERT_NEAR(c[at], element(p, a, b, i, j) + beta * before[at], bound) << i << "," << j;
      }
    }
  }
}

class GemmTest : public ::testing::TestWithParam<std::tuple<Trans, Trans>> {};

TEST_P(GemmTest, IsTheTripleLoopForOddSizesStridesAndBetas) {
  const auto [ta, tb] = GetParam();
  const std::size_t sizes[][3] = {{1, 1, 1},    {1, 17, 33},   {13, 1, 7},    {5, 3, 1},
                                  {17, 31, 9},  {64, 48, 80},  {33, 129, 65}, {2, 64, 300},
                                  {6, 96, 257}, {24, 96, 513}, {300, 5, 11}};
  for (const auto& s : sizes) {
    for (const std::size_t pad : {0, 3}) {
      const Product p{ta, tb, s[0], s[1], s[2], pad};
      SCOPED_TRACE(::testing::Message() << s[0] << "x" << s[1] << "x" << s[2] << " pad " << pad);
      for (const float beta : {0.0f, 1.0f, -0.5f}) {
        expect_product<float>(p, beta);
        expect_product<double>(p, beta);
      }
    }
  }
}

TEST_P(GemmTest, IsTheTripleLoopOnEveryTarget) {
  const auto [ta, tb] = GetParam();
  for_every_target([ta = ta, tb = tb] {
    for (const std::size_t m : {1, 3, 7, 13, 30}) {
      for (const std::size_t n : {1, 15, 32, 40}) {
        for (const std::size_t pad : {0, 2}) {
          const Product p{ta, tb, m, n, 270, pad};
          SCOPED_TRACE(::testing::Message() << m << "x" << n << " pad " << pad);
          expect_product<float>(p, 0.5f);
        }
      }
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Transposes, GemmTest,
                         ::testing::Combine(::testing::Values(Trans::no, Trans::yes),
                                            ::testing::Values(Trans::no, Trans::yes)));

template <class T>
void expect_c_is_not_read() {
  const std::vector<T> a = {1, 2}, b = {3, 4};
  for (const std::size_t k : {std::size_t{0}, std::size_t{2}}) {
    T c = std::numeric_limits<T>::quiet_NaN();
    gemm(Trans::no, Trans::no, 1, 1, k, a.data(), 2, b.data(), 1, T{0}, &c, 1);
    EXPECT_EQ(c, k == 0 ? T{0} : T{11});
  }
  std::vector<T> c(48 * 64, std::numeric_limits<T>::infinity());
  const std::vector<T> ones(64 * 64, 1);
  gemm(Trans::no, Trans::yes, 48, 64, 64, ones.data(), 64, ones.data(), 64, T{0}, c.data(), 64);
  EXPECT_EQ(c, std::vector<T>(48 * 64, 64));
}

TEST(Gemm, BetaZeroDoesNotReadC) {
  expect_c_is_not_read<float>();
  expect_c_is_not_read<double>();
}

template <class T>
void expect_empty_sizes() {
  const std::vector<T> a = {1, 2, 3, 4};
  std::vector<T> c = {5, 6, 7, 8};
  const std::vector<T> before = c;
  gemm(Trans::no, Trans::no, 0, 2, 2, a.data(), 2, a.data(), 2, T{0}, c.data(), 2);
  gemm(Trans::no, Trans::no, 2, 0, 2, a.data(), 2, a.data(), 2, T{0}, c.data(), 2);
  EXPECT_EQ(c, before);
  gemm(Trans::no, Trans::no, 2, 1, 0, a.data(), 2, a.data(), 2, T{3}, c.data(), 2);
  EXPECT_EQ(c, (std::vector<T>{15, 6, 21, 8}));
  gemm(Trans::no, Trans::no, 2, 1, 0, a.data(), 2, a.data(), 2, T{0}, c.data(), 2);
  EXPECT_EQ(c, (std::vector<T>{0, 6, 0, 8}));
}

TEST(Gemm, EmptySizesLeaveOrScaleC) {
  expect_empty_sizes<float>();
  expect_empty_sizes<double>();
}

TEST(Gemm, NanInAFactorReachesTheProduct) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float a[] = {1, nan}, b[] = {1, 0};
  float c = 0;
  gemm(Trans::no, Trans::no, 1, 1, 2, a, 2, b, 1, 0.0f, &c, 1);
  EXPECT_TRUE(std::isnan(c));
}

TEST(Gemm, RepeatsItsBits) {
  const auto a = values(100 * 300, -1, 1, 1), b = values(300 * 70, -1, 1, 2);
  std::vector<float> first(100 * 70), again(100 * 70);
  gemm(Trans::no, Trans::no, 100, 70, 300, a.data(), 300, b.data(), 70, 0.0f, first.data(), 70);
  gemm(Trans::no, Trans::no, 100, 70, 300, a.data(), 300, b.data(), 70, 0.0f, again.data(), 70);
  EXPECT_EQ(first, again);
}

TEST(Gemm, TheLibrariesHaveAName) { EXPECT_FALSE(product_libraries().empty()); }

TEST(Gemm, WrongStridesAreRefusedNotComputed) {
  const float a[4] = {}, b[4] = {};
  float c[4];
  EXPECT_THROW(gemm(Trans::no, Trans::no, 2, 2, 2, a, 1, b, 2, 0.0f, c, 2), std::runtime_error);
}

#ifndef SCALEMIX_PARALLEL_STD_THREAD
/// A product is the same, bit for bit, on two threads and where the second is left out for a while
/// (base/parallel.h).
TEST(Gemm, ATeamThatIsLeftOutChangesNoBit) {
  const int before = threads();
  set_threads(2);
  constexpr std::size_t kSide = 150;
  std::vector<float> a(kSide * kSide), team(a.size()), alone(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = std::sin(static_cast<float>(i));
  const auto product = [&](std::vector<float>& c) {
    gemm(Trans::no, Trans::yes, kSide, kSide, kSide, a.data(), kSide, a.data(), kSide, 0, c.data(),
         kSide);
  };
  const std::thread::id mine = std::this_thread::get_id();
  const auto elsewhere = [&](std::chrono::milliseconds held_up) {
    std::atomic<int> count{0};
    parallel_tiles(2, [&](std::size_t) {
      const bool other = std::this_thread::get_id() != mine;
      count += other;
      std::this_thread::sleep_for(other ? held_up : std::chrono::milliseconds(1));
    });
    return count > 0;
  };
  for (int tries = 0; !elsewhere(std::chrono::milliseconds(1)) && tries < 1000;) ++tries;
  product(team);
  for (int tries = 0; elsewhere(std::chrono::milliseconds(30)) && tries < 1000;) ++tries;
  product(alone);
  EXPECT_EQ(team, alone);
  set_threads(before);
}
#endif

}  // namespace
}  // namespace scalemix::kernel
