// Stochastic gradient descent with momentum.

#include "scalemix/kernel/optimiser.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

void update(const Rate& rate, std::uint64_t, const Piece& p) {
  const kernel::Sgd options{
      .lr = rate.lr * p.rate, .momentum = rate.momentum, .decay = p.decays ? rate.decay : 0};
  kernel::sgd(options, p.scale, p.count, p.g, p.arrays[0], p.w);
}

}  // namespace

Rule sgd() {
  return {"sgd", "gradient descent with momentum", "Polyak (1964)", 1e-2, {"first"}, update};
}

}  // namespace scalemix::inline v0::optim
