// Adam; weight decay is L2, part of the gradient.

#include "scalemix/kernel/optimiser.h"
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
  kernel::adam(options(rate, rate.lr * p.rate, p.decays ? rate.decay : 0), step, p.scale, p.count,
               p.g, p.arrays[0], p.arrays[1], p.w);
}

}  // namespace

Rule adam() {
  return {"adam",
          "first and second moment of the gradient",
          "Kingma & Ba (2015)",
          1e-3,
          parameters(),
          {"first", "second"},
          update};
}

}  // namespace scalemix::inline v0::optim
