#include "scalemix/kernel/sparse_weights.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

/// (out, columns) of which about a share is not zero; every seventh row has none left.
std::vector<float> sparse(std::size_t out, std::size_t columns, double share) {
  auto w = values(out * columns, -1, 1, 1);
  const auto keep = values(out * columns, 0, 1, 2);
  for (std::size_t i = 0; i < w.size(); ++i) {
    if (keep[i] >= share || i / columns % 7 == 6) w[i] = 0;
  }
  return w;
}

struct Packed {
  std::vector<float> floats;
  Packed(std::size_t out, std::size_t columns, const std::vector<float>& w,
         Fetch fetch = best_fetch())
      : floats(sparse_weights_size(left_per_row(out, columns, w.data())), NAN) {
    pack_sparse_weights(out, columns, w.data(), floats.data(), fetch);
  }
};

std::vector<float> product(std::size_t rows, std::size_t out, std::size_t columns,
                           const std::vector<float>& x, const Packed& w, const float* b) {
  std::vector<float> scratch(sparse_weights_scratch(rows, columns), NAN), y(rows * out, NAN);
  sparse_weights_product(rows, out, columns, x.data(), w.floats.data(), b, scratch.data(),
                         y.data());
  return y;
}

TEST(SparseWeights, TheProductIsTheDoubleLoopOnEveryTarget) {
  for_every_target([] {
    for (const std::size_t rows : {1, 2, 3, 5, 16, 17, 33, 64, 65, 130}) {
      for (const auto& [out, columns] :
           {std::pair<std::size_t, std::size_t>{1, 1}, {3, 9}, {16, 40}, {17, 31}, {50, 64}}) {
        for (const double share : {0.0, 0.1, 0.5, 1.0}) {
          SCOPED_TRACE(testing::Message()
                       << rows << " x " << columns << " x " << out << ", " << share);
          const auto w = sparse(out, columns, share), x = values(rows * columns, -1, 1, 3),
                     bias = values(out, -1, 1, 4);
          const Packed packed(out, columns, w, rows % 2 == 0 ? Fetch::gather : Fetch::load),
              other(out, columns, w, rows % 2 == 0 ? Fetch::load : Fetch::gather);
          for (const float* b : {static_cast<const float*>(nullptr), bias.data()}) {
            const auto y = product(rows, out, columns, x, packed, b);
            for (std::size_t i = 0; i < rows * out; ++i) {
              const std::size_t n = i / out, o = i % out;
              double sum = b ? b[o] : 0;
              for (std::size_t j = 0; j < columns; ++j) {
                sum += static_cast<double>(w[o * columns + j]) * x[n * columns + j];
              }
              ASSERT_NEAR(y[i], sum, 2e-7 * static_cast<double>(columns + 2)) << n << ' ' << o;
            }
            const auto same = product(rows, out, columns, x, other, b);
            for (std::size_t i = 0; i < rows * out; ++i) ASSERT_NEAR(y[i], same[i], 2e-6);
          }
        }
      }
    }
  });
}

/// So that what a pruned unit says, whatever it is, does not matter.
TEST(SparseWeights, AZeroWeightDoesNotReadItsNumber) {
  const std::size_t out = 20, columns = 10;
  auto w = sparse(out, columns, 0.6);
  for (std::size_t o = 0; o < out; ++o) w[o * columns + 4] = 0;
  for (const std::size_t rows : {1, 2, 5}) {
    const Packed packed(out, columns, w, rows == 1 ? Fetch::load : Fetch::gather);
    auto x = values(rows * columns, -1, 1, 3);
    for (std::size_t n = 0; n < rows; ++n) {
      x[n * columns + 4] = n % 2 == 0 ? std::numeric_limits<float>::infinity() : NAN;
    }
    for (const float y : product(rows, out, columns, x, packed, nullptr)) {
      EXPECT_TRUE(std::isfinite(y));
    }
  }
}

TEST(SparseWeights, ThreadsChangeNoBit) {
  const std::size_t out = 600, columns = 500;
  const auto w = sparse(out, columns, 0.9);
  const Packed packed(out, columns, w);
  for (const std::size_t rows : {1, 200}) {
    const auto x = values(rows * columns, -1, 1, 3);
    std::vector<std::vector<float>> ends;
    for_some_threads([&] { ends.push_back(product(rows, out, columns, x, packed, nullptr)); });
    EXPECT_EQ(ends[0], ends[1]);
    EXPECT_EQ(ends[0], ends[2]);
  }
}

}  // namespace
}  // namespace scalemix::kernel
