// Activations of a network cut before its head, and how far they depend on each other.

#include "scalemix/study/activations.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/model/fixtures.h"

namespace scalemix::study {
namespace {

using model::Model;

Model net(const char* method) {
  return model::filled_model(model::made("mlp:12", model::table_problem(), {method}));
}

TEST(Activations, AreWhatTheHeadTakes) {
  const Model m = net("none");
  const std::size_t k = model::elements(m.spec.input);
  const std::vector<float> x = model::values(40 * k, 3, -1, 1);
  const Activations a = last_inputs(m, x, 40);
  EXPECT_EQ(a.rows, 40u);
  ASSERT_EQ(a.units, 12u);
  const predict::Predictor whole(m);
  predict::Context context(whole);
  std::vector<float> out;
  predict::predict_outputs(context, x, 40, {}, out);
  const model::Tensor &w = m.tensors.at("linear2.weight"), &b = m.tensors.at("linear2.bias");
  const auto number = [](const model::Tensor& t, std::size_t i) {
    return reinterpret_cast<const float*>(t.bytes.data())[i];
  };
  for (std::size_t row = 0; row < 40; ++row) {
    for (std::size_t o = 0; o < whole.outputs(); ++o) {
      double sum = number(b, o);
      for (std::size_t u = 0; u < 12; ++u) sum += number(w, o * 12 + u) * a.values[row * 12 + u];
      EXPECT_NEAR(out[row * whole.outputs() + o], sum, 1e-5);
    }
  }
}

/// Correlations of one draw are k times those without, for what is standardised (Chen et al. 2019).
TEST(Activations, DropoutLowersCorrelationByItsKeepRate) {
  constexpr std::size_t kRows = 20000;
  Model m = net("ic:p=0.3,first=off");
  const std::size_t k = model::elements(m.spec.input);
  std::vector<float> x = model::values(kRows * k, 3, -1, 1);
  const auto bn = [&](const Activations& a) {  // running statistics as the rows have them
    std::vector<float> mean(a.units), var(a.units);
    for (std::size_t u = 0; u < a.units; ++u) {
      double sum = 0, square = 0;
      for (std::size_t row = 0; row < a.rows; ++row) {
        sum += a.values[row * a.units + u];
        square += double(a.values[row * a.units + u]) * a.values[row * a.units + u];
      }
      mean[u] = static_cast<float>(sum / double(a.rows));
      var[u] = static_cast<float>(square / double(a.rows) - double(mean[u]) * mean[u]);
    }
    return std::pair{mean, var};
  };
  const auto name = [&](const char* tensor) { return std::string("bn1.") + tensor; };
  const std::vector<float> zeros(12, 0.0f), ones(12, 1.0f);
  m.tensors[name("weight")] = model::Tensor::of({12}, ones);
  m.tensors[name("bias")] = model::Tensor::of({12}, zeros);
  m.tensors[name("running_mean")] = model::Tensor::of({12}, zeros);
  m.tensors[name("running_var")] = model::Tensor::of({12}, ones);
  const auto [mean, var] = bn(last_inputs(m, x, kRows));
  m.tensors[name("running_mean")] = model::Tensor::of({12}, mean);
  m.tensors[name("running_var")] = model::Tensor::of({12}, var);
  const Dependence without = dependence(last_inputs(m, x, kRows)),
                   drawn = dependence(last_inputs(m, x, kRows, {.samples = 1}));
  EXPECT_GT(without.correlation, 0.1);
  EXPECT_NEAR(drawn.correlation / without.correlation, 0.7, 0.03);
  EXPECT_LT(drawn.information, without.information);
}

TEST(Activations, MeansOverPairs) {
  // Units 0 and 1 are opposite, 2 is neither's, 3 does not vary.
  const Activations a{4, 4, {1, -1, 1, 5, 1, -1, -1, 5, -1, 1, 1, 5, -1, 1, -1, 5}};
  EXPECT_NEAR(dependence(a).correlation, 1.0 / 3, 1e-12);
}

TEST(Activations, NothingToLookAt) {
  Activations same{4, 2, std::vector<float>(8, 1.0f)};
  EXPECT_THROW(dependence(same), std::invalid_argument);
  const Model flat = model::filled_model(model::made("mlp", model::table_problem(), {}));
  const std::vector<float> x(model::elements(flat.spec.input));
  EXPECT_THROW(last_inputs(flat, x, 1), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::study
