// What Adam and its kin share: their parameters, and the kernel's options at a rate.
#pragma once

#include "scalemix/kernel/optimiser.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {

inline const std::vector<Parameter>& adam_parameters() {
  static const std::vector<Parameter> all{
      {"beta1", 0.9, 0, 1, false, true, "of the first moment"},
      {"beta2", 0.999, 0, 1, false, true, "of the second moment"},
      {"eps", 1e-8, 0, 1, true, false, "added to the root of the second moment"}};
  return all;
}

/// `lr` and L2's `decay` of a piece.
inline kernel::Adam adam_options(const Rate& rate, double lr, double decay) {
  return {.lr = lr,
          .beta1 = own(rate, adam_parameters(), 0),
          .beta2 = own(rate, adam_parameters(), 1),
          .eps = own(rate, adam_parameters(), 2),
          .decay = decay};
}

}  // namespace scalemix::inline v0::optim
