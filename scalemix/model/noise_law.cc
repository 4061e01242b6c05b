// Draws of a law at a site: y = x z (multiply) or y = x + z (add). The multiplier has mean 1 where
// the law has a finite mean.
//
// Draws that multiply single numbers are kept for the backward pass, where reading them is cheaper
// than drawing them again; others are drawn again.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"
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
    kernel::draws(at.multiplier(), at.stream, at.site(), at.kept);
    multiply_kept(at, x, y);
  } else {
    kernel::noise(at.multiplier(), at.stream, at.site(), Combine::multiply, x, y);
  }
  return 0;
}

void multiply_backward(const At& at, const float*, const float* dy, float* dx, double) {
  if (keeps_draws(at.use)) return multiply_kept(at, dy, dx);
  kernel::noise(at.multiplier(), at.stream, at.site(), Combine::multiply, dy, dx);
}

void scale_and_shift(const At& at, double scale, double shift, float* x) {
  if (scale == 1 && shift == 0) return;
  const auto a = static_cast<float>(scale), b = static_cast<float>(shift);
  kernel::batch_norm(at.rows, 1, elements(at.use.shape), &a, &b, x);
}

void multiply_centre(const At& at, float* x) { scale_and_shift(at, at.use.law->centre(), 0, x); }

double add_forward(const At& at, const float* x, float* y) {
  kernel::noise(at.raw(), at.stream, at.site(), Combine::add, x, y);
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

// ------------------------------------------------------------------------------ weights

constexpr std::size_t kMask = 0, kInference = 1;  // parameters of dropconnect

/// Of a prediction by moments: the weights' variances.
void prepare_variances(const At& at) {
  if (at.use.where != Where::moments) return;
  const auto alpha = static_cast<float>(at.use.law->mu2() - 1);  // of a multiplier of mean 1
  for (std::size_t i = 0; i < at.use.weights; ++i) at.prepared[i] = alpha * at.w[i] * at.w[i];
}

Where dropconnect_place(const Noise& noise, const Layer&, bool train) {
  if (!train && noise.values[kInference] != 0) return Where::moments;
  return noise.values[kMask] != 0 ? Where::row_weights : Where::weights;
}

/// Weights that are drawn once are row 0, whatever the rows.
kernel::Site weights_site(const At& at) {
  return at.use.at(1, at.use.where == Where::row_weights ? at.row0 : 0);
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

/// Every weight times a draw of its own: one per step, the same for all rows, or one per row. A
/// prediction draws too, or draws pre-activations by their mean and variance, u ~ N(w x, a w^2 x^2),
/// a the relative variance of the law.
NoiseKind dropconnect_noise() {
  NoiseKind kind{.name = "dropconnect",
                 .summary = "w z, one draw per weight and step, or per row, z of any law",
                 .source = "Wan, Zeiler, Zhang, LeCun & Fergus (2013)",
                 .where = Where::weights};
  kind.takes_law = true;
  kind.parameters = {
      choice("mask", "step|row", "one draw per weight and step, or per weight and row"),
      choice("inference", "draws|moments",
             "a prediction draws masks, or pre-activations by the masks' moments")};
  kind.placed = dropconnect_place;
  kind.compile = compile_law;
  kind.check = [](const Noise& noise, const Layer& layer, const Shape&) {
    if (noise.values[kInference] == 0) return;
    const law::AnyLaw law = law::AnyLaw::parse(noise.law);
    if (law.normalised() && std::isfinite(law.mu2())) return;
    throw std::invalid_argument(
        fmt::format("{}: inference=moments needs a law with a mean and a "
                    "variance, {} has not",
                    label(layer), law.spec()));
  };
  kind.in_place = true;
  kind.forward = [](const At& at, const float* x, float* y) {
    kernel::noise(at.multiplier(), at.stream, weights_site(at), Combine::multiply, x, y);
    return 0.0;
  };
  kind.backward = [](const At& at, const float*, const float* dy, float* dx, double) {
    kernel::noise(at.multiplier(), at.stream, weights_site(at), Combine::multiply, dy, dx);
  };
  kind.prepared = [](const NoiseUse& use) {
    return use.where == Where::moments ? use.weights : std::size_t{0};
  };
  kind.prepare = prepare_variances;
  kind.stand_in = [](const At& at, float* out) {
    const auto centre = static_cast<float>(at.use.law->centre());
    for (std::size_t i = 0; i < at.use.weights; ++i) out[i] = at.w[i] * centre;
  };
  kind.signal = [](const Noise& noise, const Layer&) { return signal_of(noise, false); };
  return kind;
}

}  // namespace scalemix::inline v0::model
