// Parameters of update rules, and the rules against trajectories written out in double: what PyTorch's
// torch.optim.SGD(nesterov=True), RMSprop(alpha, momentum) and optax.novograd do.

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "scalemix/base/error.h"
#include "scalemix/optim/rule.h"

namespace scalemix::optim {
namespace {

constexpr std::size_t kN = 37;
constexpr int kSteps = 100;

/// Gradient of a bowl whose axes differ, at w.
double gradient(std::size_t i, double w) {
  return (0.1 + 0.05 * double(i % 7)) * w + 0.01 * double(i % 3);
}

/// 100 steps of a rule in float.
std::vector<float> trajectory(const char* word, double lr, double decay) {
  const Rule& row = rule(word);
  const std::vector<double> own = rule_values(word);
  std::vector<float> w(kN), g(kN), a(kN), b(kN);
  double second = 0;
  for (std::size_t i = 0; i < kN; ++i) w[i] = float(std::sin(double(i) + 1));
  for (int step = 1; step <= kSteps; ++step) {
    double squares = 0;
    for (std::size_t i = 0; i < kN; ++i)
      g[i] = float(gradient(i, w[i])), squares += double(g[i]) * g[i];
    Piece piece{.count = kN, .g = g.data(), .w = w.data(), .decays = true};
    piece.arrays = {a.data(), b.data()};
    if (row.reduce) piece.scale = float(row.reduce(squares, own, {&second}));
    row.update({.lr = lr, .decay = decay, .own = own}, std::uint64_t(step), piece);
  }
  return w;
}

/// The same by a formula in double: step(w, g, a, b) of each number; norm: sum of squares of g.
template <class Step>
void expect(const std::vector<float>& got, const Step& step) {
  std::vector<double> w(kN), a(kN), b(kN), g(kN);
  for (std::size_t i = 0; i < kN; ++i) w[i] = std::sin(double(i) + 1);
  for (int t = 1; t <= kSteps; ++t) {
    double squares = 0;
    for (std::size_t i = 0; i < kN; ++i) g[i] = gradient(i, w[i]), squares += g[i] * g[i];
    for (std::size_t i = 0; i < kN; ++i) step(t, squares, w[i], g[i], a[i], b[i]);
  }
  for (std::size_t i = 0; i < kN; ++i)
    EXPECT_NEAR(got[i], w[i], 1e-5 * std::fmax(1, std::abs(w[i]))) << i;
}

TEST(RuleWord, IsReadWithItsParameters) {
  EXPECT_EQ(rule("sgd:momentum=0.5").name, "sgd");
  EXPECT_EQ(rule_values("sgd:momentum=0.5,nesterov=on"), (std::vector<double>{0.5, 1}));
  EXPECT_EQ(rule_values("adam"), (std::vector<double>{0.9, 0.999, 1e-8}));
  EXPECT_THROW(rule_values("sgd:momentum=1"), std::domain_error);
  EXPECT_THROW(rule_values("sgd:momentu=0.5"), ConfigError);
  EXPECT_THROW(rule("sdg:momentum=0.5"), ConfigError);
}

TEST(RuleWord, Nesterov) {
  expect(trajectory("sgd:momentum=0.8,nesterov=on", 0.05, 0.01),
         [](int, double, double& w, double g, double& m, double&) {
           g += 0.01 * w;
           m = 0.8 * m + g;
           w -= 0.05 * (g + 0.8 * m);
         });
}

TEST(RuleWord, Rmsprop) {
  for (const double momentum : {0.0, 0.9}) {
    expect(trajectory(momentum == 0 ? "rmsprop:alpha=0.95" : "rmsprop:alpha=0.95,momentum=0.9",
                      0.002, 0.01),
           [&](int, double, double& w, double g, double& v, double& m) {
             g += 0.01 * w;
             v = 0.95 * v + 0.05 * g * g;
             m = momentum * m + g / (std::sqrt(v) + 1e-8);
             w -= 0.002 * m;
           });
  }
}

TEST(RuleWord, AdamsBetas) {
  expect(trajectory("adam:beta1=0.8,beta2=0.95,eps=0.01", 0.01, 0),
         [](int t, double, double& w, double g, double& m, double& v) {
           m = 0.8 * m + 0.2 * g;
           v = 0.95 * v + 0.05 * g * g;
           w -= 0.01 * m / (1 - std::pow(0.8, t)) / (std::sqrt(v / (1 - std::pow(0.95, t))) + 0.01);
         });
}

TEST(RuleWord, NovogradBySettingsAndByBetas) {
  struct Row {
    const char* word;
    double beta1, beta2;
    bool averaging;
  };
  const Row table[] = {{"novograd", 0.95, 0.98, false},
                       {"novograd:settings=optax", 0.9, 0.25, false},
                       {"novograd:settings=jasper", 0.95, 0, false},
                       {"novograd:settings=quartznet,averaging=on", 0.8, 0.5, true},
                       {"novograd:settings=own,beta1=0.7,beta2=0.6", 0.7, 0.6, false}};
  for (const Row& row : table) {
    SCOPED_TRACE(row.word);
    double second = 0;
    int seen = 0;
    expect(trajectory(row.word, 0.003, 0.01),
           [&](int t, double squares, double& w, double g, double& m, double&) {
             if (t != seen) {
               second = t == 1 ? squares : row.beta2 * second + (1 - row.beta2) * squares, seen = t;
             }
             m = row.beta1 * m +
                 (row.averaging ? 1 - row.beta1 : 1) * (g / (std::sqrt(second) + 1e-8) + 0.01 * w);
             w -= 0.003 * m;
           });
  }
}

/// Rescaling the loss leaves the whole trajectory as it was.
TEST(RuleWord, NovogradDoesNotSeeTheScaleOfTheLoss) {
  const Rule& row = rule("novograd");
  for (const double c : {1.0, 1e4}) {
    double second = 0;
    EXPECT_NEAR(c * row.reduce(c * c * 4, {}, {&second}), 0.5, 1e-6);
    EXPECT_NEAR(c * row.reduce(c * c * 9, {}, {&second}), 1 / std::sqrt(0.98 * 4 + 0.02 * 9), 1e-6);
  }
}

}  // namespace
}  // namespace scalemix::optim
