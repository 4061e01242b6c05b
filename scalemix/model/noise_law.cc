// Draws of a law at a site: y = x z (multiply) or y = x + z (add). The multiplier has mean 1 where
// the law has a finite mean.
//
// Draws that multiply single numbers are kept for the backward pass, where reading them is cheaper
// than drawing them again; others are drawn again.

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/activation.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

using kernel::Combine;

bool keeps_draws(const NoiseUse& use) { return use.site.inner == 1; }

/// y = x z, z as kept.
void multiply_kept(const At& at, const float* x, float* y) {
  kernel::multiply_draws(at.rows * at.use.site.columns, 1, at.kept, x, y);
}

std::size_t multiply_keeps(const NoiseUse& use, std::size_t rows, bool train) {
  return train && keeps_draws(use) ? rows * use.site.columns : 0;
}

double multiply_forward(const At& at, const float* x, float* y) {
  if (at.train && keeps_draws(at.use)) {
    kernel::draws(at.use.draws.multiplier, at.stream, at.site(), at.kept);
    multiply_kept(at, x, y);
  } else {
    kernel::noise(at.use.draws.multiplier, at.stream, at.site(), Combine::multiply, x, y);
  }
  return 0;
}

void multiply_backward(const At& at, const float*, const float* dy, float* dx, double) {
  if (keeps_draws(at.use)) return multiply_kept(at, dy, dx);
  kernel::noise(at.use.draws.multiplier, at.stream, at.site(), Combine::multiply, dy, dx);
}

void scale_and_shift(const At& at, double scale, double shift, float* x) {
  if (scale == 1 && shift == 0) return;
  const auto a = static_cast<float>(scale), b = static_cast<float>(shift);
  kernel::batch_norm(at.rows, 1, elements(at.use.shape), &a, &b, x);
}

void multiply_centre(const At& at, float* x) { scale_and_shift(at, at.use.law->centre(), 0, x); }

double add_forward(const At& at, const float* x, float* y) {
  kernel::noise(at.use.draws.raw, at.stream, at.site(), Combine::add, x, y);
  return 0;
}

void add_backward(const At& at, const float*, const float* dy, float* dx, double) {
  if (dx != dy) std::copy_n(dy, at.rows * elements(at.use.shape), dx);
}

void add_centre(const At& at, float* x) {
  const double mean = at.use.law->mean();
  scale_and_shift(at, 1, std::isfinite(mean) ? mean : at.use.law->quantile(0.5), x);
}

void compile_law(NoiseUse& use, const Layer&) {
  use.draws = {use.law->multiplier(), use.law->raw(), nullptr};  // the law keeps the tables
}

NoiseSignal signal_of(const Noise& noise, bool add) {
  NoiseSignal out{.law = law::AnyLaw::parse(noise.law), .add = add};
  out.word = (add ? "additive:" : "") + out.law->spec();
  return out;
}

}  // namespace

NoiseKind multiply_noise() {
  NoiseKind kind{.name = "multiply", .summary = "x z, z of any law", .source = ""};
  kind.takes_law = true;
  kind.compile = compile_law;
  kind.kept = multiply_keeps;
  kind.in_place = true;
  kind.forward = multiply_forward;
  kind.backward = multiply_backward;
  kind.centre = multiply_centre;
  kind.signal = [](const Noise& noise, const Layer&) { return signal_of(noise, false); };
  return kind;
}

NoiseKind add_noise() {
  NoiseKind kind{.name = "add",
                 .summary = "x + z, z of any law",
                 .source = "Bishop (1995), Neural Computation 7(1)"};
  kind.takes_law = true;
  kind.compile = compile_law;
  kind.in_place = true;
  kind.forward = add_forward;
  kind.backward = add_backward;
  kind.centre = add_centre;
  kind.signal = [](const Noise& noise, const Layer&) { return signal_of(noise, true); };
  return kind;
}

/// Every weight times a draw of its own, one per step: the same for all rows.
NoiseKind dropconnect_noise() {
  NoiseKind kind{.name = "dropconnect",
                 .summary = "w z, one draw per weight and step, z of any law",
                 .source = "Wan, Zeiler, Zhang, LeCun & Fergus (2013)",
                 .where = Where::weights};
  kind.takes_law = true;
  kind.compile = compile_law;
  kind.in_place = true;
  kind.forward = [](const At& at, const float* x, float* y) {
    kernel::noise(at.use.draws.multiplier, at.stream, at.use.at(1, 0), Combine::multiply, x, y);
    return 0.0;
  };
  kind.backward = [](const At& at, const float*, const float* dy, float* dx, double) {
    kernel::noise(at.use.draws.multiplier, at.stream, at.use.at(1, 0), Combine::multiply, dy, dx);
  };
  kind.stand_in = [](const At& at, float* out) {
    const auto centre = static_cast<float>(at.use.law->centre());
    for (std::size_t i = 0; i < at.use.weights; ++i) out[i] = at.w[i] * centre;
  };
  kind.signal = [](const Noise& noise, const Layer&) { return signal_of(noise, false); };
  return kind;
}

}  // namespace scalemix::inline v0::model
