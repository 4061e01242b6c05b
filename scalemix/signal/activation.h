// Activations as signal propagation sees them: value, slope and curvature in double, where the
// slope jumps, and what is special about each. Chosen at run time by a word: "relu",
// "leaky_relu:slope=0.1", "erf:b=2". Value and slope are those of kernel/activation.h.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/kernel/activation.h"

namespace scalemix::inline v0::signal {

/// A row of kernel/activations.inc and what theory adds to it. The functions take the row's
/// parameter (0 if it has none) and x. The identity is called "linear" here.
struct ActivationRow {
  using Function = kernel::ActivationRow::Function;
  std::string_view name;
  std::span<const Parameter> parameters;  // none or one
  Function value, slope, curvature;       // curvature away from jumps of the slope
  std::span<const double> kinks;          // where slope or curvature jumps
  bool slope_jumps;                       // whether the slope does at some kink
  bool odd;
  bool below_tangent;  // |phi(x)| <= |phi'(0) x|: the variance map lies below its tangent at 0
  /// phi(x) - line x for x > 0, with all its digits, of an activation that goes to line x far above 0
  /// and stays bounded below it (elu, gelu, silu, selu); null for all others.
  Function above_line;
  double line = 1;
};
std::span<const ActivationRow> activations();

class Activation {
 public:
  /// Throws ConfigError for an unknown name or parameter (saying what exists and what is nearest)
  /// or a value that is no number, std::domain_error for a value out of range.
  static Activation parse(std::string_view spec);

  std::string spec() const;  // canonical: every parameter, shortest exact number
  const ActivationRow& row() const { return *row_; }
  std::string_view name() const { return row_->name; }
  double parameter() const { return parameter_; }  // 0 if the row has none

  double value(double x) const { return row_->value(parameter_, x); }
  /// At a jump: the value from the left, as kernel/activation.h has it (hard_tanh: 0 at both).
  double slope(double x) const { return row_->slope(parameter_, x); }
  /// The second derivative, jumps of the slope left out.
  double curvature(double x) const { return row_->curvature(parameter_, x); }
  std::span<const double> kinks() const { return row_->kinks; }

  /// a, if the activation is x for x > 0 and a x for x < 0 (relu 0, linear 1): variance maps are
  /// then lines, and what they do does not depend on the scale of q.
  std::optional<double> negative_slope() const;

 private:
  Activation(const ActivationRow& row, double parameter) : row_(&row), parameter_(parameter) {}
  const ActivationRow* row_;
  double parameter_;
};

}  // namespace scalemix::inline v0::signal
