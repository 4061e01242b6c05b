// Adam with decoupled weight decay: w shrinks by lr * decay before the step, and the moments do not
// see it.

#include "scalemix/kernel/optimiser.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all{
      {"beta1", 0.9, 0, 1, false, true, "of the first moment"},
      {"beta2", 0.999, 0, 1, false, true, "of the second moment"},
      {"eps", 1e-8, 0, 1, true, false, "added to the root of the second moment"}};
  return all;
}

kernel::Adam options(const Rate& rate, double lr, double decay) {
  return {.lr = lr,
          .beta1 = own(rate, parameters(), 0),
          .beta2 = own(rate, parameters(), 1),
          .eps = own(rate, parameters(), 2),
          .decay = decay};
}

void update(const Rate& rate, std::uint64_t step, const Piece& p) {
  const double lr = rate.lr * p.rate;
  if (p.decays && rate.decay > 0) {
    const auto keep = static_cast<float>(1 - lr * rate.decay);
    kernel::for_tiles(p.count, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) p.w[i] *= keep;
    });
  }
  kernel::adam(options(rate, lr, 0), step, p.scale, p.count, p.g, p.arrays[0], p.arrays[1], p.w);
}

}  // namespace

Rule adamw() {
  return {"adamw",
          "Adam with decoupled weight decay",
          "Loshchilov & Hutter (2019)",
          1e-3,
          parameters(),
          {"first", "second"},
          update};
}

}  // namespace scalemix::inline v0::optim
