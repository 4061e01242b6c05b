#include "scalemix/signal/activation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "scalemix/base/spec_text.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::signal {
namespace {

using law::standard_normal_cdf;
using law::standard_normal_pdf;
using std::exp;

constexpr double kTwoOverRootPi = 2 * std::numbers::inv_sqrtpi;
constexpr std::array kZero = {0.0};
constexpr std::array kUnit = {-1.0, 1.0};
constexpr std::array kSlope = {
    law::Parameter{"slope", 0.01, -1e6, 1e6, false, false, "slope of the negative side"}};
constexpr std::array kB = {law::Parameter{"b", 1, 1e-6, 1e6, false, false, "scale of x"}};

double logistic(double x) {
  const double e = exp(-std::abs(x));
  return (x < 0 ? e : 1) / (1 + e);
}

double sech2(double x) {
  const double e = exp(-2 * std::abs(x));
  return 4 * e / ((1 + e) * (1 + e));
}

double none(double, double) { return 0; }
double one(double, double) { return 1; }

double erf_slope(double b, double x) { return kTwoOverRootPi * b * exp(-b * b * x * x); }
double erf_curvature(double b, double x) { return -2 * b * b * x * erf_slope(b, x); }

double sigmoid_slope(double, double x) { return logistic(x) * logistic(-x); }
double sigmoid_curvature(double, double x) {
  return sigmoid_slope(0, x) * (logistic(-x) - logistic(x));
}

double silu_slope(double, double x) { return logistic(x) * (1 + x * logistic(-x)); }
double silu_curvature(double, double x) {
  return 2 * sigmoid_slope(0, x) + x * sigmoid_curvature(0, x);
}

double gelu_slope(double, double x) { return standard_normal_cdf(x) + x * standard_normal_pdf(x); }
double gelu_curvature(double, double x) { return (2 - x * x) * standard_normal_pdf(x); }

const std::array kRows = {
    ActivationRow{"relu",
                  "max(x, 0)",
                  "Nair & Hinton (2010), Rectified linear units improve restricted Boltzmann "
                  "machines, ICML",
                  {},
                  [](double, double x) { return x > 0 ? x : 0.0; },
                  [](double, double x) { return x > 0 ? 1.0 : 0.0; },
                  none,
                  kZero,
                  true,
                  false},
    ActivationRow{"leaky_relu", "x, or slope x where x < 0",
                  "Maas, Hannun & Ng (2013), Rectifier nonlinearities improve neural network "
                  "acoustic models, ICML",
                  kSlope, [](double a, double x) { return x > 0 ? x : a * x; },
                  [](double a, double x) { return x > 0 ? 1.0 : a; }, none, kZero, true, false},
    ActivationRow{"linear",
                  "x",
                  "Saxe, McClelland & Ganguli (2014), Exact solutions to the nonlinear dynamics "
                  "of learning in deep linear neural networks, ICLR",
                  {},
                  [](double, double x) { return x; },
                  one,
                  none,
                  {},
                  false,
                  true},
    ActivationRow{"erf",
                  "erf(b x)",
                  "Williams (1997), Computing with infinite networks, NIPS 9",
                  kB,
                  [](double b, double x) { return std::erf(b * x); },
                  erf_slope,
                  erf_curvature,
                  {},
                  false,
                  true},
    ActivationRow{"tanh",
                  "tanh x",
                  "LeCun, Bottou, Orr & Mueller (1998), Efficient BackProp",
                  {},
                  [](double, double x) { return std::tanh(x); },
                  [](double, double x) { return sech2(x); },
                  [](double, double x) { return -2 * std::tanh(x) * sech2(x); },
                  {},
                  false,
                  true},
    ActivationRow{"hard_tanh",
                  "min(max(x, -1), 1)",
                  "Collobert (2004), Large scale machine learning, thesis, Paris VI",
                  {},
                  [](double, double x) { return std::clamp(x, -1.0, 1.0); },
                  [](double, double x) { return x > -1 && x < 1 ? 1.0 : 0.0; },
                  none,
                  kUnit,
                  true,
                  true},
    ActivationRow{"sigmoid",
                  "1 / (1 + e^-x)",
                  "Rumelhart, Hinton & Williams (1986), Learning representations by "
                  "back-propagating errors, Nature 323",
                  {},
                  [](double, double x) { return logistic(x); },
                  sigmoid_slope,
                  sigmoid_curvature,
                  {},
                  false,
                  false},
    ActivationRow{"gelu",
                  "x Phi(x), Phi the normal's cdf",
                  "Hendrycks & Gimpel (2016), Gaussian error linear units, arXiv:1606.08415",
                  {},
                  [](double, double x) { return x * standard_normal_cdf(x); },
                  gelu_slope,
                  gelu_curvature,
                  {},
                  false,
                  false},
    ActivationRow{"silu",
                  "x / (1 + e^-x)",
                  "Elfwing, Uchibe & Doya (2018), Sigmoid-weighted linear units, Neural "
                  "Networks 107",
                  {},
                  [](double, double x) { return x * logistic(x); },
                  silu_slope,
                  silu_curvature,
                  {},
                  false,
                  false},
    ActivationRow{"elu",
                  "x, or e^x - 1 where x < 0",
                  "Clevert, Unterthiner & Hochreiter (2016), Fast and accurate deep network "
                  "learning by exponential linear units, ICLR",
                  {},
                  [](double, double x) { return x > 0 ? x : std::expm1(x); },
                  [](double, double x) { return x > 0 ? 1.0 : exp(x); },
                  [](double, double x) { return x > 0 ? 0.0 : exp(x); },
                  kZero,
                  false,
                  false},
    ActivationRow{"sine",
                  "sin x",
                  "Sitzmann, Martel, Bergman, Lindell & Wetzstein (2020), Implicit neural "
                  "representations with periodic activation functions, NeurIPS",
                  {},
                  [](double, double x) { return std::sin(x); },
                  [](double, double x) { return std::cos(x); },
                  [](double, double x) { return -std::sin(x); },
                  {},
                  false,
                  true},
};

}  // namespace

std::span<const ActivationRow> activations() { return kRows; }

Activation Activation::parse(std::string_view spec) {
  const SpecText text = split_spec_text(spec);
  std::vector<std::string> names, keys;
  for (const ActivationRow& row : kRows) names.emplace_back(row.name);
  const ActivationRow& row = kRows[find_known("activation", text.name, names)];
  std::vector<double> values;
  for (const law::Parameter& p : row.parameters) {
    keys.emplace_back(p.name);
    values.push_back(p.value);
  }
  set_values("activation", text, keys, values);
  return {row, values.empty() ? 0 : law::checked(row.name, row.parameters, values, 0)};
}

std::string Activation::spec() const {
  std::string text(name());
  if (row_->parameters.empty()) return text;
  return text.append(":").append(row_->parameters[0].name).append("=") +
         shortest_number(parameter_);
}

std::optional<double> Activation::negative_slope() const {
  if (name() == "relu") return 0;
  if (name() == "leaky_relu") return parameter_;
  if (name() == "linear") return 1;
  return std::nullopt;
}

}  // namespace scalemix::inline v0::signal
