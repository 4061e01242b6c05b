#include "scalemix/predict/importance.h"

#include <gtest/gtest.h>

#include "scalemix/data/split.h"
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
  const std::vector<double> importance = permutation_importance(predictor, rows, 1);
  ASSERT_EQ(importance.size(), 2u);
  // Shuffled, the answer misses by 3 (a - a'), of variance 2 * 9 * Var a; half of that in nats at
  // precision 1.
  EXPECT_NEAR(importance[0], 9 * (399.0 / 1200), 0.4);
  EXPECT_EQ(importance[1], 0);
  // By hand: the rows of column 0 in the order of its own stream.
  const auto order = data::permutation(rows.rows, 1, data::Shuffle::importance, 0);
  double worse = 0;
  for (std::size_t n = 0; n < rows.rows; ++n) {
    const double off = 3 * rows.x[2 * order[n]] - rows.y[n];
    worse += off * off / 2 / static_cast<double>(rows.rows);
  }
  EXPECT_NEAR(importance[0], worse, 1e-5);
  EXPECT_EQ(rows.x, before);
}

}  // namespace
}  // namespace scalemix::predict
