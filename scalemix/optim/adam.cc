// Adam with beta1 = 0.9, beta2 = 0.999, eps = 1e-8; weight decay is L2, part of the gradient.

#include "scalemix/kernel/optimiser.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

void update(const Rate& rate, std::uint64_t step, const Piece& p) {
  const kernel::Adam options{.lr = rate.lr * p.rate, .decay = p.decays ? rate.decay : 0};
  kernel::adam(options, step, p.scale, p.count, p.g, p.arrays[0], p.arrays[1], p.w);
}

}  // namespace

Rule adam() {
  return {"adam",
          "first and second moment of the gradient",
          "Kingma & Ba (2015)",
          1e-3,
          {"first", "second"},
          update};
}

}  // namespace scalemix::inline v0::optim
