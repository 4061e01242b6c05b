#include "scalemix/signal/activation.h"

#include <array>
#include <cmath>

#include "scalemix/base/known.h"
#include "scalemix/base/word.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::signal {
namespace {

using Kind = kernel::Activation;

constexpr std::array kZero = {0.0};
constexpr std::array kUnit = {-1.0, 1.0};

/// What theory adds to the row of an activation.
struct Theory {
  Kind of;
  ActivationRow::Function curvature;
  std::span<const double> kinks;
  bool slope_jumps, odd, below_tangent;
  ActivationRow::Function above_line = nullptr;
  double line = 1;
};

double slope(Kind f, double parameter, double x) {
  return kernel::activation_row(f).slope(parameter, x);
}

double none(double, double) { return 0; }

double erf_curvature(double b, double x) { return -2 * b * b * x * slope(Kind::erf, b, x); }

double tanh_curvature(double, double x) { return -2 * std::tanh(x) * slope(Kind::tanh, 0, x); }

double sigmoid_curvature(double, double x) {
  const auto logistic = kernel::activation_row(Kind::sigmoid).value;
  return slope(Kind::sigmoid, 0, x) * (logistic(0, -x) - logistic(0, x));
}

double gelu_curvature(double, double x) { return (2 - x * x) * law::standard_normal_pdf(x); }

double silu_curvature(double, double x) {
  return 2 * slope(Kind::sigmoid, 0, x) + x * sigmoid_curvature(0, x);
}

double elu_curvature(double, double x) { return x > 0 ? 0 : std::exp(x); }

double selu_curvature(double, double x) {
  return x > 0 ? 0 : kernel::kSeluSaturation * std::exp(x);
}

/// x F(x) - x = -x F(-x) where F(x) + F(-x) = 1.
double gelu_above_line(double, double x) { return kernel::activation_row(Kind::gelu).value(0, -x); }
double silu_above_line(double, double x) { return kernel::activation_row(Kind::silu).value(0, -x); }

double sine_curvature(double, double x) { return -std::sin(x); }

constexpr Theory kTheory[] = {
    {Kind::relu, none, kZero, true, false, true},
    {Kind::leaky_relu, none, kZero, true, false, true},
    {Kind::identity, none, {}, false, true, true},
    {Kind::erf, erf_curvature, {}, false, true, true},
    {Kind::tanh, tanh_curvature, {}, false, true, true},
    {Kind::hard_tanh, none, kUnit, true, true, true},
    {Kind::sigmoid, sigmoid_curvature, {}, false, false, false},
    {Kind::gelu, gelu_curvature, {}, false, false, false, gelu_above_line},
    {Kind::silu, silu_curvature, {}, false, false, false, silu_above_line},
    {Kind::elu, elu_curvature, kZero, false, false, true, none},
    {Kind::selu, selu_curvature, kZero, true, false, true, none, kernel::kSeluScale},
    {Kind::sine, sine_curvature, {}, false, true, true},
};

std::vector<ActivationRow> make_rows() {
  std::vector<ActivationRow> rows;
  for (const Theory& t : kTheory) {
    const kernel::ActivationRow& row = kernel::activation_row(t.of);
    rows.push_back({t.of == Kind::identity ? "linear" : row.name, row.parameters, row.value,
                    row.slope, t.curvature, t.kinks, t.slope_jumps, t.odd, t.below_tangent,
                    t.above_line, t.line});
  }
  return rows;
}

}  // namespace

std::span<const ActivationRow> activations() {
  static const std::vector<ActivationRow> rows = make_rows();
  return rows;
}

Activation Activation::parse(std::string_view spec) {
  const Word word = split_word(spec);
  const ActivationRow& row = find_row("activation", word.name, activations());
  const std::vector<double> values = read_values(row.name, row.parameters, word.rest).values;
  return {row, values.empty() ? 0 : values[0]};
}

std::string Activation::spec() const {
  return write_word(name(), row_->parameters, {&parameter_, row_->parameters.size()});
}

std::optional<double> Activation::negative_slope() const {
  if (name() == "relu") return 0;
  if (name() == "leaky_relu") return parameter_;
  if (name() == "linear") return 1;
  return std::nullopt;
}

}  // namespace scalemix::inline v0::signal
