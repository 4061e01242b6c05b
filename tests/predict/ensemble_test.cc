#include "scalemix/predict/ensemble.h"

#include <cmath>

#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

using namespace model;  // specs and models to predict with

TEST(Ensemble, RegressionFollowsTheLawOfTotalVariance) {
  const std::vector<Prediction> members{{{1, 10}, {0.5, 1}, {2, 4}}, {{3, 10}, {1.5, 3}, {4, 4}}};
  const Prediction got = combine(members, Task::regression);
  EXPECT_EQ(got.mean, (std::vector<float>{2, 10}));
  EXPECT_EQ(got.epistemic, (std::vector<float>{2, 2}));  // 1 within + 1 between; 2 within
  EXPECT_EQ(got.aleatoric, (std::vector<float>{3, 4}));
}

TEST(Ensemble, SureMembersThatDisagreeAreEpistemic) {
  const std::vector<Prediction> members{{{1, 0}, {0}, {0}}, {{0, 1}, {0}, {0}}};
  const Prediction got = combine(members, Task::classification);
  EXPECT_EQ(got.mean, (std::vector<float>{0.5, 0.5}));
  EXPECT_FLOAT_EQ(got.epistemic[0], std::log(2.0f));
  EXPECT_EQ(got.aleatoric[0], 0);
}

TEST(Ensemble, OnePredictionComesBackAsItIs) {
  for (const Problem& problem : {table_problem(), image_problem()}) {
    const Predictor predictor(filled_model(made("mlp:6", problem, {"bernoulli:p=0.4"})));
    Context context(predictor);
    const std::vector<Prediction> one{
        predict(context, values(4 * predictor.width(), 5), 4, {.samples = 5, .seed = 1})};
    const Prediction got = combine(one, problem.task);
    EXPECT_EQ(got.mean, one[0].mean);
    EXPECT_EQ(got.aleatoric, one[0].aleatoric);
    for (std::size_t i = 0; i < got.epistemic.size(); ++i) {
      EXPECT_NEAR(got.epistemic[i], one[0].epistemic[i], 1e-6);
    }
  }
}

TEST(Ensemble, NoneAndDifferentSizesAreRefused) {
  EXPECT_THROW(combine({}, Task::regression), std::invalid_argument);
  const std::vector<Prediction> uneven{{{1}, {1}, {1}}, {{1, 2}, {1, 2}, {1, 2}}};
  EXPECT_THROW(combine(uneven, Task::regression), std::invalid_argument);
  const std::vector<Prediction> odd{{{1, 2, 3}, {1, 2}, {1, 2}}};
  EXPECT_THROW(combine(odd, Task::classification), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::predict
