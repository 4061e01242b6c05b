// scalemix::torch: one op. Bernoulli noise with p = 0.5 multiplies by 0 or 2.
#include <ATen/ATen.h>

#include <cstdint>
#include <cstdio>

#include "scalemix/torch/op/noise.h"

int main() {
  const at::Tensor x = at::ones({1, 1000});
  const at::Tensor seed = at::full({1}, std::int64_t{1}, at::kLong);
  const at::Tensor p = at::full({1}, 0.5, at::kDouble);
  const at::Tensor y = scalemix::op::noise(x, seed, "bernoulli", p, "unit", "multiply", 1, 0);
  const double dropped = (y == 0).sum().item<double>(), doubled = (y == 2).sum().item<double>();
  std::printf("%g dropped, %g doubled\n", dropped, doubled);
  return dropped + doubled == 1000 && dropped > 400 && doubled > 400 ? 0 : 1;
}
