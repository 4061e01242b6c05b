// NovoGrad: a tensor's gradient is divided by the running root mean square of its own norm, and what
// has the length of about 1 then goes into a momentum, the weight decay with it.
//
//   v = sum g^2 where v is 0, else beta2 v + (1 - beta2) sum g^2     one v, over the whole tensor
//   m = beta1 m + g / (sqrt(v) + eps) + decay w;   w -= lr m
//
// with beta1 = 0.95, beta2 = 0.98, eps = 1e-8 and no correction of a bias. v starts with the first
// gradient that is not zero, whenever that comes: a count of steps would divide the first gradient of
// a tensor that began later by sqrt(1 - beta2) of its norm only. Where all of a tensor's gradient is
// zero, the step leaves the tensor, m and v as they are. After the division m is that of gradient
// descent with momentum.

#include <cmath>

#include "scalemix/kernel/optimiser.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

constexpr double kBeta1 = 0.95, kBeta2 = 0.98, kEps = 1e-8;

double reduce(double squares, const Scalars& scalars) {
  if (squares == 0) return 0;
  double& second = *scalars[0];
  second = second == 0 ? squares : kBeta2 * second + (1 - kBeta2) * squares;
  return 1 / (std::sqrt(second) + kEps);
}

void update(const Rate& rate, std::uint64_t, const Piece& p) {
  const kernel::Sgd options{
      .lr = rate.lr * p.rate, .momentum = kBeta1, .decay = p.decays ? rate.decay : 0};
  kernel::sgd(options, p.scale, p.count, p.g, p.arrays[0], p.w);
}

}  // namespace

Rule novograd() {
  return {"novograd",
          "momentum of gradients divided by the norm of their tensor",
          "Ginsburg et al. (2019)",
          1e-2,
          {"first"},
          update,
          {"second_of_tensor"},
          reduce};
}

}  // namespace scalemix::inline v0::optim
