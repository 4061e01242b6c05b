// Element-wise activations, the rows of activations.inc, and the other small steps of a forward
// pass, in place.
//
// Relative error at most kActivationError of the exact value (results below the smallest normal
// float aside), NaN stays NaN. Each is PyTorch's function of that meaning with its defaults;
// `slope` is leaky_relu's alone.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "scalemix/base/word.h"

namespace scalemix::inline v0::kernel {

enum class Activation {
#define SCALEMIX_ACTIVATION(NAME, ...) NAME,
#include "scalemix/kernel/activations.inc"
#undef SCALEMIX_ACTIVATION
};

/// lambda and lambda alpha of SELU.
inline constexpr double kSeluScale = 1.0507009873554804934193349852946,
                        kSeluSaturation = 1.7580993408473768599402175208123;

inline constexpr double kActivationError = 1e-6;

/// value and slope are the specification, of the parameter (0 without one) and x.
struct ActivationRow {
  using Function = double (*)(double parameter, double x);
  Activation activation;
  std::string_view name, summary, source;
  std::span<const Parameter> parameters;  // none or one
  bool of_layer;                          // whether layers set it; else they have its default
  bool slope_from_result;                 // whether y = f(x) may stand for x in the slope
  Function value, slope;                  // at a kink: the slope from the left

  /// The parameter of a layer whose `slope` this is.
  double layer_parameter(double layer_slope) const;
};
/// Every activation, in the order of the enumeration.
std::span<const ActivationRow> activations();
const ActivationRow& activation_row(Activation f);

/// The activation of a name, or nothing.
std::optional<Activation> find_activation(std::string_view name);

/// x (n) becomes f(x).
void activate(Activation f, float slope, std::size_t n, float* x);

/// dy (n) becomes dy f'(x), given x and y = f(x). At a kink the slope is PyTorch's: relu 0,
/// leaky_relu `slope`, hard_tanh 0.
void activate_backward(Activation f, float slope, std::size_t n, const float* x, const float* y,
                       float* dy);

/// Whether y may stand for x in activate_backward.
bool slope_from_result(Activation f);

/// x (rows, columns) += bias (columns).
void add_bias(std::size_t rows, std::size_t columns, const float* bias, float* x);

/// y += x, both (n): the join of a residual block.
void add(std::size_t n, const float* x, float* y);

/// Each row of x (rows, columns) becomes e^x / sum e^x, its largest element subtracted first.
/// columns > 0. entropy (rows) or null: -sum p ln p of each row, nats, to 1e-6.
void softmax(std::size_t rows, std::size_t columns, float* x, double* entropy = nullptr);

/// Batch normalisation with running statistics:
/// x (rows, channels, inner) = x * scale[c] + shift[c].
void batch_norm(std::size_t rows, std::size_t channels, std::size_t inner, const float* scale,
                const float* shift, float* x);

/// scale = weight / sqrt(var + eps), shift = bias - mean * scale, all (channels); null weight is 1,
/// null bias 0.
void fold_batch_norm(std::size_t channels, const float* mean, const float* var, const float* weight,
                     const float* bias, double eps, float* scale, float* shift);

namespace ref {
/// The specification in double.
double activate(Activation f, double slope, double x);
/// Its derivative.
double activate_slope(Activation f, double slope, double x);
}  // namespace ref

}  // namespace scalemix::inline v0::kernel
