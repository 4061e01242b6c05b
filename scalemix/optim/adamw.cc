// Adam with decoupled weight decay: w shrinks by lr * decay before the step, and the moments do not
// see it.

#include "scalemix/kernel/tiles.h"
#include "scalemix/optim/adam_options.h"

namespace scalemix::inline v0::optim {
namespace {

void update(const Rate& rate, std::uint64_t step, const Piece& p) {
  const double lr = rate.lr * p.rate;
  if (p.decays && rate.decay > 0) {
    const auto keep = static_cast<float>(1 - lr * rate.decay);
    kernel::for_tiles(p.count, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) p.w[i] *= keep;
    });
  }
  kernel::adam(adam_options(rate, lr, 0), step, p.scale, p.count, p.g, p.arrays[0], p.arrays[1],
               p.w);
}

}  // namespace

Rule adamw() {
  return {"adamw",
          "Adam with decoupled weight decay",
          "Loshchilov & Hutter (2019)",
          1e-3,
          adam_parameters(),
          {"first", "second"},
          update};
}

}  // namespace scalemix::inline v0::optim
