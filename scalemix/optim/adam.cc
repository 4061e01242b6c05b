// Adam; weight decay is L2, part of the gradient.

#include "scalemix/optim/adam_options.h"

namespace scalemix::inline v0::optim {
namespace {

void update(const Rate& rate, std::uint64_t step, const Piece& p) {
  kernel::adam(adam_options(rate, rate.lr * p.rate, p.decays ? rate.decay : 0), step, p.scale,
               p.count, p.g, p.arrays[0], p.arrays[1], p.w);
}

}  // namespace

Rule adam() {
  return {"adam",
          "first and second moment of the gradient",
          "Kingma & Ba (2015)",
          1e-3,
          adam_parameters(),
          {"first", "second"},
          update};
}

}  // namespace scalemix::inline v0::optim
