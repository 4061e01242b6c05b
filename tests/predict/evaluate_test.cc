#include "scalemix/predict/evaluate.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numbers>

#include "scalemix/metric/regression.h"
#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

using model::Model;
using model::Tensor;
using predict::Predictor;

/// y = 2 x in standardised units; in the target's, 10 + 5 * 2 x with noise of sd 5 `sd`.
Predictor line(float slope = 2, double sd = 0.5) {
  Model m;
  m.spec = model::made("linear", {{1}, Task::regression, 1});
  m.preprocessing.target_mean = 10;
  m.preprocessing.target_scale = 5;
  const std::string name = m.spec.layers.front().name;
  m.tensors[name + ".weight"] = Tensor::of({1, 1}, std::vector<float>{slope});
  m.tensors[name + ".bias"] = Tensor::of({1}, std::vector<float>{0});
  m.tensors["output.log_precision"] =
      Tensor::of({1}, std::vector<float>{static_cast<float>(-2 * std::log(sd))});
  return Predictor(std::move(m));
}

/// Logits (0, x).
Predictor coin() {
  Model m;
  m.spec = model::made("linear", {{1}, Task::classification, 2});
  const std::string name = m.spec.layers.front().name;
  m.tensors[name + ".weight"] = Tensor::of({2, 1}, std::vector<float>{0, 1});
  m.tensors[name + ".bias"] = Tensor::of({2}, std::vector<float>{0, 0});
  return Predictor(std::move(m));
}

Predictor noisy(Task task, std::size_t outputs) {
  return Predictor(
      model::filled_model(model::made("mlp:8", {{1}, task, outputs}, {"bernoulli:p=0.5"})));
}

data::LabelledRows regression_rows(std::vector<float> x, std::vector<float> y) {
  data::LabelledRows rows;
  rows.rows = y.size();
  rows.x = std::move(x);
  rows.y = std::move(y);
  rows.labelled = true;
  return rows;
}

data::LabelledRows class_rows(std::vector<float> x, std::vector<std::int32_t> label) {
  data::LabelledRows rows;
  rows.rows = label.size();
  rows.x = std::move(x);
  rows.label = std::move(label);
  rows.labelled = true;
  return rows;
}

double log_normal_density(double y, double mean, double sd) {
  return -std::pow((y - mean) / sd, 2) / 2 - std::log(sd) - std::log(2 * std::numbers::pi) / 2;
}

TEST(EvaluateTest, MeasuresRegressionInTheTargetsUnits) {
  const Predictor p = line();
  // Predictions 10, 20, 30; noise of sd 2.5.
  const Evaluation e = evaluate({&p}, regression_rows({0, 1, 2}, {10, 23, 26}));
  EXPECT_EQ(e.rows, 3u);
  EXPECT_NEAR(e.at("rmse"), std::sqrt((0 + 9 + 16) / 3.0), 1e-5);
  EXPECT_NEAR(e.at("mae"), 7 / 3.0, 1e-5);
  const double mean_y = 59 / 3.0;
  const double spread =
      std::pow(10 - mean_y, 2) + std::pow(23 - mean_y, 2) + std::pow(26 - mean_y, 2);
  EXPECT_NEAR(e.at("r2"), 1 - 25 / spread, 1e-5);
  const double expected = (log_normal_density(10, 10, 2.5) + log_normal_density(23, 20, 2.5) +
                           log_normal_density(26, 30, 2.5)) /
                          3;
  EXPECT_NEAR(e.at("log_likelihood"), expected, 1e-5);
  EXPECT_NEAR(e.at("coverage_90"), 1, 1e-12);  // 1.645 * 2.5 = 4.11
  const std::vector<double> y = {10, 23, 26}, means = {10, 20, 30};
  EXPECT_NEAR(e.at("crps"), metric::gaussian_crps(y, means, std::vector<double>(3, 6.25)), 1e-5);
  const double reach = 1.6448536269514722 * 2.5;
  const auto above = [&](double d) { return std::vector<double>{10 + d, 20 + d, 30 + d}; };
  EXPECT_NEAR(e.at("quantile_loss_05"), metric::quantile_loss(y, above(-reach), 0.05), 1e-5);
  EXPECT_NEAR(e.at("quantile_loss_95"), metric::quantile_loss(y, above(reach), 0.95), 1e-5);
  EXPECT_NEAR(e.at("baseline_rmse"), std::sqrt(spread / 3), 1e-5);
  EXPECT_NEAR(e.at("baseline_mae"), 16 / 3.0, 1e-5);  // the median is 23
  EXPECT_EQ(e.metrics.size(), 10u);
  EXPECT_EQ(error_of(p, regression_rows({0, 1, 2}, {10, 23, 26})), e.at("rmse"));
  EXPECT_THROW(error_of(p, class_rows({0}, {0})), std::invalid_argument);
}

TEST(EvaluateTest, TakesAnotherPrecisionThanTheModels) {
  const Predictor p = line();
  const auto rows = regression_rows({0, 1}, {10, 22});
  const Evaluation e = evaluate({&p}, rows, {.precision = 0.25});  // sd 2, not 2.5
  EXPECT_NEAR(e.at("log_likelihood"),
              (log_normal_density(10, 10, 2) + log_normal_density(22, 20, 2)) / 2, 1e-9);
  const Predictor drawn = noisy(Task::regression, 1);
  const auto one = regression_rows({0.3f}, {0.2f});
  EXPECT_NE(evaluate({&drawn}, one, {.samples = 5, .precision = 9}).at("mc_log_likelihood"),
            evaluate({&drawn}, one, {.samples = 5, .precision = 4}).at("mc_log_likelihood"));
  EXPECT_THROW(evaluate({&p}, rows, {.precision = -1}), std::domain_error);
  EXPECT_THROW(evaluate({&p}, rows, {.precision = std::nan("")}), std::domain_error);
  const Predictor classes = coin();
  EXPECT_THROW(evaluate({&classes}, class_rows({1}, {0}), {.precision = 1}), std::invalid_argument);
}

TEST(EvaluateTest, CoverageCountsRowsInsideTheInterval) {
  const Predictor p = line();
  const Evaluation e =
      evaluate({&p}, regression_rows({0, 0, 0, 0}, {10 + 4.1f, 10 - 4.1f, 10 + 4.2f, 10}));
  EXPECT_NEAR(e.at("coverage_90"), 0.75, 1e-12);
}

TEST(EvaluateTest, MeasuresClassification) {
  const Predictor p = coin();
  const Evaluation e = evaluate({&p}, class_rows({2, -2, 2, 1}, {1, 0, 0, 1}));
  const double q = 1 / (1 + std::exp(-2.0)), r = 1 / (1 + std::exp(-1.0));
  EXPECT_NEAR(e.at("error"), 0.25, 1e-12);
  EXPECT_NEAR(e.at("accuracy"), 0.75, 1e-12);
  EXPECT_NEAR(e.at("nll"), -(2 * std::log(q) + std::log(1 - q) + std::log(r)) / 4, 1e-6);
  const double brier = 2 * (2 * (1 - q) * (1 - q) + q * q + (1 - r) * (1 - r)) / 4;
  EXPECT_NEAR(e.at("brier"), brier, 1e-6);
  EXPECT_NEAR(e.at("balanced_accuracy"), 0.75, 1e-12);
  EXPECT_NEAR(e.at("f1"), 0.8, 1e-12);       // 2 hits, 1 false alarm
  EXPECT_NEAR(e.at("auroc"), 0.625, 1e-12);  // scores 2 1 | -2 2
  EXPECT_NEAR(e.at("average_precision"), 0.5 * 0.5 + 0.5 * 2 / 3, 1e-12);
  EXPECT_NEAR(e.at("baseline_error"), 0.5, 1e-12);
  EXPECT_NEAR(e.at("baseline_nll"), std::log(2.0), 1e-12);
  EXPECT_EQ(e.metrics.size(), 11u);
  EXPECT_EQ(error_of(p, class_rows({2, -2, 2, 1}, {1, 0, 0, 1})), e.at("error"));
}

TEST(EvaluateTest, AnEnsembleIsAMixtureOfItsMembers) {
  const Predictor a = line(2, 0.5), b = line(3, 1);
  // Means 20 and 25, sd 2.5 and 5.
  const Evaluation e = evaluate({&a, &b}, regression_rows({1}, {24}));
  EXPECT_NEAR(e.at("rmse"), 1.5, 1e-5);
  const double density =
      (std::exp(log_normal_density(24, 20, 2.5)) + std::exp(log_normal_density(24, 25, 5))) / 2;
  EXPECT_NEAR(e.at("log_likelihood"), std::log(density), 1e-5);
}

// Means 20 and 25, of one draw each: divided by the number of draws, the variance between them is
// 6.25; that of the noise is the mean of 2.5^2 and 5^2.
TEST(EvaluateTest, AnEnsemblesVarianceIsThatOfTheMixture) {
  const Predictor a = line(2, 0.5), b = line(3, 1);
  const double sd = std::sqrt(6.25 + 15.625), edge = 1.6448536 * sd;
  const auto covered = [&](double off) {
    const auto rows =
        regression_rows({1, 1}, {static_cast<float>(22.5 - off), static_cast<float>(22.5 + off)});
    const Evaluation e = evaluate({&a, &b}, rows, {.samples = 1, .seed = 3});
    EXPECT_NEAR(e.at("epistemic_sd"), 2.5, 1e-5);
    EXPECT_NEAR(e.at("aleatoric_sd"), std::sqrt(15.625), 1e-5);
    EXPECT_EQ(e.at("mc_coverage_90"), e.at("coverage_90"));
    return e.at("coverage_90");
  };
  EXPECT_EQ(covered(edge * 0.999), 1);
  EXPECT_EQ(covered(edge * 1.001), 0);
}

TEST(EvaluateTest, TheErrorOfDrawsIsOfEachOne) {
  const Predictor a = line(2, 0.5), b = line(3, 1);  // means 20 and 25
  const Evaluation e =
      evaluate({&a, &b}, regression_rows({1, 1}, {24, 30}), {.samples = 1, .seed = 3});
  EXPECT_NEAR(e.at("mc_mae"), 4.5, 1e-5);     // (1.5 + 7.5) / 2
  EXPECT_NEAR(e.at("mc_draw_mae"), 5, 1e-5);  // (4 + 1 + 10 + 5) / 4
}

TEST(EvaluateTest, DrawsAddMonteCarloMetricsAndLeaveTheOthers) {
  const Predictor p = noisy(Task::regression, 1);
  const auto rows = regression_rows({1, 2, -1}, {0.5f, 1, 0});
  const Evaluation plain = evaluate({&p}, rows),
                   drawn = evaluate({&p}, rows, {.samples = 20, .seed = 3});
  for (const auto& [name, value] : plain.metrics) EXPECT_EQ(drawn.at(name), value) << name;
  EXPECT_GT(drawn.at("epistemic_sd"), 0);
  EXPECT_THROW(plain.at("mc_rmse"), std::invalid_argument);
}

TEST(EvaluateTest, MonteCarloMetricsAreThoseOfTheDraws) {
  const Predictor p = noisy(Task::regression, 1);
  const auto rows = regression_rows({1, 2, -1}, {0.5f, 1, 0});
  const Evaluation e = evaluate({&p}, rows, {.samples = 10, .seed = 3});
  predict::Context context(p);
  std::vector<float> draws;
  predict::predict_outputs(context, rows.x, 3, {.samples = 10, .seed = 3, .row0 = 0, .block = 0},
                           draws);
  const double lp = p.model().tensors.at("output.log_precision").floats()[0];
  double squares = 0, log_likelihood = 0;
  for (std::size_t n = 0; n < 3; ++n) {
    double mean = 0, density = 0;
    for (std::size_t t = 0; t < 10; ++t) {
      mean += draws[t * 3 + n] / 10.0;
      density += std::exp(log_normal_density(rows.y[n], draws[t * 3 + n], std::exp(-lp / 2))) / 10;
    }
    squares += std::pow(rows.y[n] - mean, 2);
    log_likelihood += std::log(density) / 3;
  }
  EXPECT_NEAR(e.at("mc_rmse"), std::sqrt(squares / 3), 1e-6);
  EXPECT_NEAR(e.at("mc_log_likelihood"), log_likelihood, 1e-6);
}

TEST(EvaluateTest, SplitsEntropyIntoItsTwoParts) {
  const Predictor p = noisy(Task::classification, 3);
  const Evaluation e =
      evaluate({&p}, class_rows({1, 2, -1}, {0, 1, 2}), {.samples = 50, .seed = 1});
  EXPECT_GT(e.at("epistemic"), 0);
  EXPECT_GT(e.at("aleatoric"), 0);
  EXPECT_LE(e.at("epistemic") + e.at("aleatoric"), std::log(3.0));
  EXPECT_EQ(e.metrics.size(), 22u);
}

TEST(EvaluateTest, ManyRowsGiveTheSameNumbersAsFewAtATime) {
  const Predictor p = noisy(Task::classification, 3);
  std::vector<float> x;
  std::vector<std::int32_t> label;
  for (int n = 0; n < 9000; ++n) {  // more than a block
    x.push_back(static_cast<float>(n % 17) / 8 - 1);
    label.push_back(n % 3);
  }
  const Evaluation whole = evaluate({&p}, class_rows(x, label));
  double right = 0;
  for (int part = 0; part < 3; ++part) {
    const std::vector<float> px(x.begin() + part * 3000, x.begin() + (part + 1) * 3000);
    const std::vector<std::int32_t> pl(label.begin() + part * 3000,
                                       label.begin() + (part + 1) * 3000);
    right += evaluate({&p}, class_rows(px, pl)).at("accuracy") / 3;
  }
  EXPECT_NEAR(whole.at("accuracy"), right, 1e-12);
}

TEST(EvaluateTest, WritesNullForANumberThatIsNotFinite) {
  const Predictor p = line();
  const nlohmann::json json = evaluate({&p}, regression_rows({0, 1}, {3, 3})).to_json();
  EXPECT_TRUE(json["r2"].is_null());
  EXPECT_EQ(json["rows"], 2);
  EXPECT_TRUE(json["rmse"].is_number());
}

TEST(EvaluateTest, RefusesWhatDoesNotFit) {
  const Predictor p = line(), c = coin();
  const auto rows = regression_rows({0, 1}, {1, 2});
  EXPECT_THROW(evaluate({}, rows), std::invalid_argument);
  EXPECT_THROW(evaluate({&c}, rows), std::invalid_argument);
  EXPECT_THROW(evaluate({&p, &c}, rows), std::invalid_argument);
  EXPECT_THROW(evaluate({&p}, regression_rows({0, 1, 2}, {1, 2})), std::invalid_argument);
  data::LabelledRows none = rows;
  none.labelled = false;
  EXPECT_THROW(evaluate({&p}, none), std::invalid_argument);
  EXPECT_THROW(evaluate({&p}, data::LabelledRows{}), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::predict
