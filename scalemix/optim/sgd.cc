// Stochastic gradient descent with momentum, plain or Nesterov's: m = momentum m + g, and w -= lr m or
// lr (g + momentum m).

#include "scalemix/kernel/optimiser.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all{
      {"momentum", 0.9, 0, 1, false, true, "of the gradients"},
      choice("nesterov", "off|on", "looks ahead (Nesterov 1983; Sutskever et al. 2013)")};
  return all;
}

void update(const Rate& rate, std::uint64_t, const Piece& p) {
  const kernel::Sgd options{.lr = rate.lr * p.rate,
                            .momentum = own(rate, parameters(), 0),
                            .decay = p.decays ? rate.decay : 0,
                            .nesterov = own(rate, parameters(), 1) != 0};
  kernel::sgd(options, p.scale, p.count, p.g, p.arrays[0], p.w);
}

}  // namespace

Rule sgd() {
  return {"sgd", "gradient descent with momentum", "Polyak (1964)", 1e-2, parameters(), {"first"},
          update};
}

}  // namespace scalemix::inline v0::optim
