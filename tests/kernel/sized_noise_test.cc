// Log-normal noise of a size that data gives: the SIMD loops against their reference in double.

#include "scalemix/kernel/sized_noise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scalemix/random/stream.h"
#include "tests/kernel/fixture.h"

namespace scalemix::kernel {
namespace {

std::vector<float> numbers(std::size_t n, std::uint32_t which, double scale) {
  const Stream stream{3, which, 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(scale * (stream.word(i) * 0x1p-31 - 1));
  }
  return out;
}

TEST(SizedNoise, EqualsItsReference) {
  const SizedNoise size{1e-3f, 0.7f};
  for (const std::size_t n : {1, 7, 16, 1001, 20000}) {
    const std::vector<float> x = numbers(n, 1, 3), e = numbers(n, 2, 4), dy = numbers(n, 4, 1);
    std::vector<float> logit = numbers(n, 3, 6), y(n), dlogit(n), dx(n);
    std::vector<double> logits(logit.begin(), logit.end()), want(n), dwant(n), dx_want(n);
    const double expected =
        ref::sized_noise(size, n, x.data(), e.data(), logits.data(), want.data());
    EXPECT_NEAR(sized_noise(size, n, x.data(), e.data(), logit.data(), y.data()), expected,
                1e-6 * expected + 1e-6);
    sized_noise_backward(size, n, x.data(), e.data(), logit.data(), dy.data(), 0.3f, dlogit.data(),
                         dx.data());
    ref::sized_noise_backward(size, n, x.data(), e.data(), logits.data(), dy.data(), 0.3f,
                              dwant.data(), dx_want.data());
    for (std::size_t i = 0; i < n; ++i) {
      ASSERT_NEAR(logit[i], logits[i], 1e-6);
      ASSERT_NEAR(y[i], want[i], 4e-6 * std::abs(want[i]) + 1e-7) << i;
      ASSERT_NEAR(dlogit[i], dwant[i], 1e-5 * (std::abs(dwant[i]) + 1)) << i;
      ASSERT_NEAR(dx[i], dx_want[i], 4e-6 * std::abs(dx_want[i]) + 1e-7) << i;
    }
  }
}

}  // namespace
}  // namespace scalemix::kernel
