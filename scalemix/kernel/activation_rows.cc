// The rows of activations.inc in double.
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "scalemix/kernel/activation.h"

namespace scalemix::inline v0::kernel {
namespace {

constexpr double kTwoOverRootPi = 2 * std::numbers::inv_sqrtpi;

double logistic(double x) {
  const double e = std::exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

double sech2(double x) {
  const double e = std::exp(-2 * std::abs(x));
  return 4 * e / ((1 + e) * (1 + e));
}

double normal_density(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi); }

struct ParameterOf {
  std::span<const Parameter> table;
  bool of_layer;
};
constexpr std::array kSlopeTable = {
    Parameter{"slope", 0.01, -1e6, 1e6, false, false, "slope of the negative side"}};
constexpr std::array kBTable = {Parameter{"b", 1, 1e-6, 1e6, false, false, "scale of x"}};
constexpr ParameterOf kNone{{}, false}, kSlope{kSlopeTable, true}, kB{kBTable, false};

#define SCALEMIX_ACTIVATION(NAME, SUMMARY, SOURCE, PARAMETER, FROM_RESULT, VALUE, SLOPE, ...) \
  ActivationRow{Activation::NAME,                                                             \
                #NAME,                                                                        \
                SUMMARY,                                                                      \
                SOURCE,                                                                       \
                PARAMETER.table,                                                              \
                PARAMETER.of_layer,                                                           \
                FROM_RESULT,                                                                  \
                []([[maybe_unused]] double a, [[maybe_unused]] double x) { return VALUE; },   \
                []([[maybe_unused]] double a, [[maybe_unused]] double x) { return SLOPE; }},
constexpr ActivationRow kRows[] = {
#include "scalemix/kernel/activations.inc"
};
#undef SCALEMIX_ACTIVATION

}  // namespace

double ActivationRow::layer_parameter(double layer_slope) const {
  if (of_layer) return layer_slope;
  return parameters.empty() ? 0 : parameters[0].value;
}

std::span<const ActivationRow> activations() { return kRows; }

const ActivationRow& activation_row(Activation f) { return kRows[static_cast<std::size_t>(f)]; }

std::optional<Activation> find_activation(std::string_view name) {
  for (const ActivationRow& row : kRows) {
    if (row.name == name) return row.activation;
  }
  return std::nullopt;
}

bool slope_from_result(Activation f) { return activation_row(f).slope_from_result; }

namespace ref {

double activate(Activation f, double slope, double x) {
  const ActivationRow& row = activation_row(f);
  return row.value(row.layer_parameter(slope), x);
}

double activate_slope(Activation f, double slope, double x) {
  const ActivationRow& row = activation_row(f);
  return row.slope(row.layer_parameter(slope), x);
}

}  // namespace ref

}  // namespace scalemix::inline v0::kernel
