#include "scalemix/metric/by_class.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

namespace scalemix::metric {
namespace {

using Probabilities = std::vector<double>;
using Labels = std::vector<std::int32_t>;

const Probabilities kThree = {0.06, 0.21, 0.73, 0.79, 0.12, 0.09, 0.28, 0.07,
                              0.65, 0.02, 0.12, 0.86, 0.13, 0.62, 0.25, 0.46,
                              0.21, 0.33, 0.62, 0.38, 0,    0.36, 0.27, 0.37};
const Labels kThreeLabels = {0, 1, 2, 2, 1, 0, 0, 2};

Probabilities binary(const std::vector<double>& positive) {
  Probabilities p;
  for (const double v : positive) p.insert(p.end(), {1 - v, v});
  return p;
}

// Goldens: scikit-learn 1.9.1, roc_auc_score(y, p, multi_class="ovr"), and with average="macro"
// average_precision_score, f1_score; balanced_accuracy_score.
TEST(ByClass, IsTheMeanOverClasses) {
  EXPECT_NEAR(class_auroc(kThree, kThreeLabels), 0.6972222222222223, 1e-14);
  EXPECT_NEAR(class_average_precision(kThree, kThreeLabels), 0.66005291005291, 1e-14);
  EXPECT_NEAR(balanced_accuracy(kThree, kThreeLabels), 0.7222222222222222, 1e-14);
  EXPECT_NEAR(f1(kThree, kThreeLabels), 0.7301587301587301, 1e-14);
}

TEST(ByClass, OfTwoClassesTheSecondIsPositive) {
  const Probabilities p = binary({0.2, 0.7, 0.6, 0.4, 0.9, 0.1, 0.55, 0.35});
  const Labels y = {0, 1, 0, 1, 1, 0, 1, 0};
  EXPECT_NEAR(class_auroc(p, y), 0.875, 1e-14);
  EXPECT_NEAR(class_average_precision(p, y), 0.8875, 1e-14);
  EXPECT_NEAR(balanced_accuracy(p, y), 0.75, 1e-14);
  EXPECT_NEAR(f1(p, y), 0.75, 1e-14);
  // One of three positives is found and one negative is taken for one: 2 / (2 + 2 + 1).
  EXPECT_NEAR(f1(binary({0.9, 0.1, 0.2, 0.8, 0.3}), Labels{1, 1, 1, 0, 0}), 0.4, 1e-14);
}

TEST(ByClass, LeavesOutAClassWithoutRows) {
  const Probabilities p = {0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.5, 0.4, 0.1};
  const Labels y = {0, 1, 1};
  // Classes 0 and 1 order their rows perfectly; class 2 has none.
  EXPECT_EQ(class_auroc(p, y), 1);
  EXPECT_EQ(class_average_precision(p, y), 1);
  EXPECT_NEAR(balanced_accuracy(p, y), 0.75, 1e-14);  // 1 of 1, 1 of 2
  EXPECT_NEAR(f1(p, y), 2.0 / 3, 1e-14);              // 2/3 and 2/3
  const Probabilities also = {0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.1, 0.4, 0.5};
  EXPECT_NEAR(f1(also, y), (1 + 2.0 / 3 + 0) / 3, 1e-14);  // class 2 is predicted
  EXPECT_NEAR(balanced_accuracy(also, y), 0.75, 1e-14);
}

TEST(ByClass, WithoutTwoKindsThereIsNoCurve) {
  const Probabilities p = binary({0.2, 0.4});
  EXPECT_TRUE(std::isnan(class_auroc(p, Labels{0, 0})));
  EXPECT_TRUE(std::isnan(class_average_precision(p, Labels{1, 1})));
  EXPECT_EQ(f1(p, Labels{0, 0}), 0);
  EXPECT_EQ(balanced_accuracy(p, Labels{0, 0}), 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_TRUE(std::isnan(class_auroc(Probabilities{0.5, 0.5, nan, nan}, Labels{0, 1})));
}

TEST(ByClass, RefusesWhatDoesNotFit) {
  for (const auto measure : {class_auroc, class_average_precision, balanced_accuracy, f1}) {
    EXPECT_THROW(measure(Probabilities{}, Labels{}), std::invalid_argument);
    EXPECT_THROW(measure(Probabilities{0.5, 0.5, 1}, Labels{0, 1}), std::invalid_argument);
    EXPECT_THROW(measure(Probabilities{0.5, 0.5}, Labels{2}), std::domain_error);
    EXPECT_THROW(measure(Probabilities{0.5, 0.5}, Labels{-1}), std::domain_error);
  }
}

}  // namespace
}  // namespace scalemix::metric
