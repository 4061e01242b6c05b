#include "scalemix/optim/fused.h"

#include "scalemix/kernel/variational.h"
#include "scalemix/optim/adam_options.h"

namespace scalemix::inline v0::optim {
namespace {

double svdo_adam(const Rate& rate, std::uint64_t step, const NoisyPiece& p) {
  const auto options = [&](const Piece& piece) {
    return adam_options(rate, rate.lr * piece.rate, piece.decays ? rate.decay : 0);
  };
  return kernel::svdo_adam(options(p.w), options(p.own), step, p.w.count, p.w.g, p.d_prepared,
                           p.penalty_weight, {p.w.w, p.w.arrays[0], p.w.arrays[1]},
                           {p.own.w, p.own.arrays[0], p.own.arrays[1]}, p.prepared);
}

struct Row {
  std::string_view rule, kind;
  FusedUpdate update;
};
constexpr Row kRows[] = {{"adam", "svdo", svdo_adam}};

}  // namespace

NoisyPiece NoisyPiece::part(std::size_t from, std::size_t n) const {
  NoisyPiece out = *this;
  out.w = w.part(from, n);
  out.own = own.part(from, n);
  out.d_prepared += from;
  out.prepared += from;
  return out;
}

FusedUpdate fused_update(std::string_view rule, const model::NoiseUse& noise) {
  if (noise.kind->plain && !noise.kind->plain(noise)) return nullptr;
  for (const Row& row : kRows) {
    if (row.rule == rule && row.kind == noise.kind->name) return row.update;
  }
  return nullptr;
}

}  // namespace scalemix::inline v0::optim
