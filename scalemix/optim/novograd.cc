// NovoGrad: a tensor's gradient is divided by the running root mean square of its own norm, and what
// has the length of about 1 then goes into a momentum, the weight decay with it.
//
//   v = sum g^2 where v is 0, else beta2 v + (1 - beta2) sum g^2     one v, over the whole tensor
//   m = beta1 m + g / (sqrt(v) + eps) + decay w;   w -= lr m
//
// averaging=on multiplies what goes into m by 1 - beta1. No bias is corrected. settings name pairs of betas:
// paper 0.95, 0.98 (the first version's, and the default); optax 0.9, 0.25; jasper 0.95, 0; quartznet 0.8,
// 0.5, of NVIDIA's programs. own takes beta1 and beta2 as given.
//
// v starts with the first gradient that is not zero, whenever that comes: a count of steps would divide the
// first gradient of a tensor that began later by sqrt(1 - beta2) of its norm only. Where all of a tensor's gradient is
// zero, the step leaves the tensor, m and v as they are. After the division m is that of gradient
// descent with momentum.

#include <cmath>
#include <iterator>

#include "scalemix/kernel/optimiser.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::optim {
namespace {

constexpr std::size_t kSettings = 0, kBeta1 = 1, kBeta2 = 2, kAveraging = 3;
constexpr double kEps = 1e-8;

const std::vector<Parameter>& parameters() {
  static const std::vector<Parameter> all{
      choice("settings", "paper|optax|jasper|quartznet|own",
             "beta1 and beta2 by name, or as given"),
      {"beta1", 0.95, 0, 1, false, true, "of the momentum, with settings=own"},
      {"beta2", 0.98, 0, 1, false, true, "of the norms, with settings=own"},
      choice("averaging", "off|on", "gradients are averaged in the momentum, not added up")};
  return all;
}

struct Betas {
  double first, second;
};

Betas betas(std::span<const double> own) {
  if (own.empty()) return {0.95, 0.98};
  constexpr Betas kNamed[] = {{0.95, 0.98}, {0.9, 0.25}, {0.95, 0}, {0.8, 0.5}};
  const auto named = static_cast<std::size_t>(own[kSettings]);
  return named < std::size(kNamed) ? kNamed[named] : Betas{own[kBeta1], own[kBeta2]};
}

bool averages(std::span<const double> own) { return !own.empty() && own[kAveraging] != 0; }

double reduce(double squares, std::span<const double> own, const Scalars& scalars) {
  if (squares == 0) return 0;
  const double beta = betas(own).second;
  double& second = *scalars[0];
  second = second == 0 ? squares : beta * second + (1 - beta) * squares;
  return 1 / (std::sqrt(second) + kEps);
}

/// Averaging is a rate of (1 - beta1) lr: m is 1 / (1 - beta1) times what averaging makes of it.
void update(const Rate& rate, std::uint64_t, const Piece& p) {
  const double beta = betas(rate.own).first;
  const kernel::Sgd options{.lr = rate.lr * p.rate * (averages(rate.own) ? 1 - beta : 1),
                            .momentum = beta,
                            .decay = p.decays ? rate.decay : 0};
  kernel::sgd(options, p.scale, p.count, p.g, p.arrays[0], p.w);
}

}  // namespace

Rule novograd() {
  return {"novograd",
          "momentum of gradients divided by the norm of their tensor",
          "Ginsburg et al. (2019)",
          1e-2,
          parameters(),
          {"first"},
          update,
          {"second_of_tensor"},
          reduce};
}

}  // namespace scalemix::inline v0::optim
