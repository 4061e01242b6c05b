#include "scalemix/kernel/gemv.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

TEST(Gemv, IsTheDoubleLoopOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t n : {1, 3, 4, 9}) {
      for (const std::size_t k : {1, 2, 7, 8, 9, 13, 16, 31, 50, 100, 300}) {
        for (const float beta : {0.0f, 1.0f, -0.5f}) {
          SCOPED_TRACE(testing::Message() << n << " x " << k << ", beta " << beta);
          const std::size_t ldw = k + 3;
          const auto w = values(n * ldw, -1, 1, 1), x = values(k, -1, 1, 2);
          const auto before = beta == 0 ? std::vector<float>(n, NAN) : values(n, -1, 1, 3);
          auto y = before;
          gemv(n, k, w.data(), ldw, x.data(), beta, y.data());
          for (std::size_t i = 0; i < n; ++i) {
            double sum = beta == 0 ? 0 : static_cast<double>(beta) * before[i];
            for (std::size_t j = 0; j < k; ++j) sum += static_cast<double>(w[i * ldw + j]) * x[j];
            ASSERT_NEAR(y[i], sum, 2e-7 * static_cast<double>(k + 2)) << i;
          }
        }
      }
    }
  });
}

TEST(Gemv, ThreadsChangeNoBit) {
  const std::size_t n = 900, k = 500;  // several tiles
  const auto w = values(n * k, -1, 1, 1), x = values(k, -1, 1, 2);
  std::vector<std::vector<float>> ends;
  for_some_threads([&] {
    ends.emplace_back(n);
    gemv(n, k, w.data(), k, x.data(), 0, ends.back().data());
  });
  EXPECT_EQ(ends[0], ends[1]);
  EXPECT_EQ(ends[0], ends[2]);
}

}  // namespace
}  // namespace scalemix::kernel
