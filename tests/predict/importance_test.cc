#include "scalemix/predict/importance.h"

#include <gtest/gtest.h>

#include "scalemix/data/split.h"
#include "scalemix/metric/uncertainty.h"
#include "scalemix/model/architecture.h"

namespace scalemix::predict {
namespace {

TEST(PermutationImportance, IsLargeForAnInputThatCountsAndZeroForOneThatDoesNot) {
  model::Model m;
  m.spec = model::architecture("linear", {.input = {2}, .task = Task::regression, .outputs = 1});
  const std::string name = m.spec.layers[0].name;
  m.tensors[name + ".weight"] = model::Tensor::of({1, 2}, std::vector<float>{3, 0});
  m.tensors[name + ".bias"] = model::Tensor::of({1}, std::vector<float>{0});
  m.tensors["output.log_precision"] = model::Tensor::of({1}, std::vector<float>{0});
  m.preprocessing.mean = {0, 0};
  m.preprocessing.scale = {1, 1};
  const predict::Predictor predictor(std::move(m));

  data::LabelledRows rows;
  rows.rows = 400;
  rows.labelled = true;
  for (std::size_t n = 0; n < rows.rows; ++n) {
    const float a = static_cast<float>(n % 20) / 10 - 1, b = static_cast<float>(n % 7);
    rows.x.insert(rows.x.end(), {a, b});
    rows.y.push_back(3 * a);
  }
  const std::vector<float> before = rows.x;
  const std::vector<Importance> importance = permutation_importance(predictor, rows, {1, 1}, 1);
  ASSERT_EQ(importance.size(), 2u);
  // Shuffled, the answer misses by 3 (a - a'), of variance 2 * 9 * Var a; half of that in nats at
  // precision 1.
  EXPECT_NEAR(importance[0].nats, 9 * (399.0 / 1200), 0.4);
  EXPECT_EQ(importance[1].nats, 0);
  EXPECT_EQ(importance[1].error, 0);
  // By hand: the rows of column 0 in the order of its own stream.
  const auto order = data::permutation(rows.rows, 1, data::Shuffle::importance, 0);
  std::vector<double> worse;
  for (std::size_t n = 0; n < rows.rows; ++n) {
    const double off = 3 * rows.x[2 * order[n]] - rows.y[n];
    worse.push_back(off * off / 2);
  }
  const metric::MeanError expected = metric::mean_and_error(worse);
  EXPECT_NEAR(importance[0].nats, expected.mean, 1e-5);
  EXPECT_NEAR(importance[0].error, expected.error, 1e-5);
  EXPECT_EQ(rows.x, before);
}

// A category is coded by two inputs that are never both 1, and the network is told by their sum whether they
// were shuffled apart.
TEST(PermutationImportance, ShufflesTheInputsOfAColumnTogether) {
  model::Model m;
  m.spec =
      model::architecture("linear", {.input = {3}, .task = Task::classification, .outputs = 2});
  const std::string name = m.spec.layers[0].name;
  m.tensors[name + ".weight"] = model::Tensor::of({2, 3}, std::vector<float>{0, 0, 0, 5, 5, 0});
  m.tensors[name + ".bias"] = model::Tensor::of({2}, std::vector<float>{0, -2});
  const predict::Predictor predictor(std::move(m));
  data::LabelledRows rows;
  rows.rows = 60;
  rows.labelled = true;
  for (std::size_t n = 0; n < rows.rows; ++n) {
    const bool first = n % 3 == 0;
    rows.x.insert(rows.x.end(), {first ? 1.0f : 0.0f, first ? 0.0f : 1.0f, static_cast<float>(n)});
    rows.label.push_back(1);
  }
  const auto together = permutation_importance(predictor, rows, {2, 1}, 1);
  ASSERT_EQ(together.size(), 2u);
  EXPECT_NEAR(together[0].nats, 0, 1e-12);
  EXPECT_NEAR(together[1].nats, 0, 1e-12);
  EXPECT_GT(permutation_importance(predictor, rows, {1, 1, 1}, 1)[0].nats, 0.1);
  EXPECT_THROW(permutation_importance(predictor, rows, {1, 1}, 1), std::invalid_argument);
  rows.labelled = false;
  EXPECT_THROW(permutation_importance(predictor, rows, {2, 1}, 1), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::predict
