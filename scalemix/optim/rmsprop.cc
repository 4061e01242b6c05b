// RMSprop, without centring: the gradient is divided by the running root mean square of each number, then
// goes into a momentum.
//
//   v = alpha v + (1 - alpha) g'^2,   m = momentum m + g' / (sqrt(v) + eps),   w -= lr m
//
// with g' = g + decay w and eps = 1e-8.

#include <cmath>

#include "scalemix/kernel/tiles.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

constexpr float kEps = 1e-8f;

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all{
      {"alpha", 0.99, 0, 1, false, true, "of the mean square"},
      {"momentum", 0, 0, 1, false, true, "of the divided gradients"}};
  return all;
}

void update(const Rate& rate, std::uint64_t, const Piece& p) {
  const auto alpha = static_cast<float>(own(rate, parameters(), 0)), rest = 1 - alpha,
             momentum = static_cast<float>(own(rate, parameters(), 1)),
             lr = static_cast<float>(rate.lr * p.rate),
             decay = static_cast<float>(p.decays ? rate.decay : 0);
  float *square = p.arrays[0], *first = p.arrays[1];
  kernel::for_tiles(p.count, [&](std::size_t from, std::size_t n) {
    for (std::size_t i = from; i < from + n; ++i) {
      const float g = p.scale * p.g[i] + decay * p.w[i];
      square[i] = alpha * square[i] + rest * g * g;
      first[i] = momentum * first[i] + g / (std::sqrt(square[i]) + kEps);
      p.w[i] -= lr * first[i];
    }
  });
}

}  // namespace

Rule rmsprop() {
  return {"rmsprop",
          "gradient over the root of its running mean square",
          "Tieleman & Hinton (2012), lecture 6.5",
          1e-3,
          parameters(),
          {"square", "first"},
          update};
}

}  // namespace scalemix::inline v0::optim
