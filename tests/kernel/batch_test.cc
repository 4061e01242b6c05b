#include "scalemix/kernel/batch.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "fixture.h"

namespace scalemix::kernel {
namespace {

const float kNan = std::numeric_limits<float>::quiet_NaN();

TEST(Batch, PicksRowsAndStandardisesThem) {
  const float x[] = {1, 10, 2, 20, 3, 30}, mean[] = {1, 20}, scale[] = {2, 10};
  const std::uint32_t index[] = {2, 0, 2};
  std::vector<float> out(6);
  gather_standardised(x, 2, 3, index, mean, scale, out.data());
  EXPECT_EQ(out, (std::vector<float>{1, 1, 0, -1, 1, 1}));
}

TEST(Batch, AMissingNumberBecomesTheMeanThatIsZero) {
  const float x[] = {kNan, 4}, mean[] = {1, 2}, scale[] = {1, 2};
  const std::int64_t index[] = {0};
  float out[2];
  gather_standardised(x, 2, 1, index, mean, scale, out);
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(out[1], 1);
}

TEST(Batch, WithoutMeanAndScaleRowsAreCopied) {
  const float x[] = {1, 2, 3, kNan};
  const std::uint32_t index[] = {1, 0};
  std::vector<float> out(4);
  gather_standardised(x, 2, 2, index, nullptr, nullptr, out.data());
  EXPECT_EQ(out, (std::vector<float>{3, 0, 1, 2}));
}

TEST(Batch, ManyRowsEqualTheFormulaForAnyThreadsAndEitherIndex) {
  for (const std::size_t width : {std::size_t{1}, std::size_t{13}, std::size_t{784}}) {
    const std::size_t rows = 300, batch = 257;
    const auto x = values(rows * width, -5, 5), mean = values(width, -1, 1, 2);
    const auto scale = values(width, 0.5, 2, 3);
    std::vector<std::uint32_t> index(batch);
    for (std::size_t b = 0; b < batch; ++b) index[b] = static_cast<std::uint32_t>(b * 7 % rows);
    const std::vector<std::int64_t> wide(index.begin(), index.end());
    for_some_threads([&] {
      std::vector<float> out(batch * width), other(batch * width);
      gather_standardised(x.data(), width, batch, index.data(), mean.data(), scale.data(),
                          out.data());
      gather_standardised(x.data(), width, batch, wide.data(), mean.data(), scale.data(),
                          other.data());
      EXPECT_EQ(out, other);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const std::size_t k = i % width;
        ASSERT_EQ(out[i], (x[index[i / width] * width + k] - mean[k]) / scale[k]);
      }
    });
  }
}

TEST(Batch, AllRowsInOrderAreStandardisedInPlace) {
  std::vector<float> x = {1, 10, 3, kNan};
  const float mean[] = {1, 4}, scale[] = {2, 3};
  standardise_rows(x.data(), 2, 2, mean, scale, x.data());
  EXPECT_EQ(x, (std::vector<float>{0, 2, 1, 0}));
}

TEST(Batch, NoRowsAndNoColumnsAreNothing) {
  const std::uint32_t index[] = {0};
  float out = 7;
  gather_standardised(nullptr, 3, 0, index, nullptr, nullptr, &out);
  gather_standardised(nullptr, 0, 1, index, nullptr, nullptr, &out);
  EXPECT_EQ(out, 7);
}

}  // namespace
}  // namespace scalemix::kernel
