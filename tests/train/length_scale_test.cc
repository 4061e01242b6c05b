#include "scalemix/train/length_scale.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scalemix/base/error.h"
#include "scalemix/model/build.h"
#include "scalemix/model/method.h"
#include "scalemix/train/fit.h"

namespace scalemix::train {
namespace {

using testing::HasSubstr;

model::Spec noisy(const std::string& method) {
  model::Spec spec = model::mlp({{2}, Task::regression, 1}, {8, 4});
  model::apply_method(spec, method);
  return spec;
}

std::string refusal(const model::Spec& spec, const FitOptions& options = {.length_scale = 1}) {
  const std::vector<float> x{1, 2, 3, 4, 5, 7}, y{1, 2, 4};
  try {
    fit(spec, x, y, options);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "nothing was refused";
}

// Gal & Ghahramani (2016), released code: reg = l^2 (1 - p) / (2 N tau) beside the mean squared error; our objective
// is tau s^2 / 2 times it, and weight decay is twice a penalty's factor.
TEST(LengthScale, IsThePublishedPenaltyInOurUnits) {
  const double l = 0.1, p = 0.05, tau = 0.54187, s = 15.2, n = 277;
  const double reg = l * l * (1 - p) / (2 * n * tau);
  const double want = 2 * (tau * s * s / 2) * reg;
  EXPECT_NEAR(length_scale_decay(noisy("bernoulli:p=0.05,input=0.05"), l, s, 277), want,
              1e-12 * want);
  EXPECT_NEAR(length_scale_decay(noisy("none"), l, s, 277), want / 0.95, 1e-12);
}

TEST(LengthScale, TrainsAsItsWeightDecayDoes) {
  std::vector<float> x, y;
  for (int n = 0; n < 40; ++n) {
    x.insert(x.end(), {float(n % 7), float(n % 5)});
    y.push_back(float(n % 7) - 2 * float(n % 5));
  }
  const model::Spec spec = noisy("bernoulli:p=0.1,input=0.1");
  const FitOptions by_length{.epochs = 20, .length_scale = 2, .precision = "0.5"};
  const model::Model model = fit(spec, x, y, by_length);
  FitOptions by_decay{.epochs = 20, .precision = "0.5"};
  by_decay.weight_decay = length_scale_decay(spec, 2, model.preprocessing.target_scale, 40);
  const model::Model same = fit(spec, x, y, by_decay),
                     none = fit(spec, x, y, {.epochs = 20, .precision = "0.5"});
  for (const auto& [name, tensor] : model.tensors) {
    EXPECT_EQ(tensor.bytes, same.tensors.at(name).bytes) << name;
  }
  EXPECT_NE(model.tensors.at("linear1.weight").bytes, none.tensors.at("linear1.weight").bytes);
}

TEST(LengthScale, RefusesWhatItHasNoMeaningFor) {
  const FitOptions given{.length_scale = 1, .precision = "2"};
  EXPECT_THAT(refusal(noisy("bernoulli:p=0.1"), given), HasSubstr("input="));
  EXPECT_THAT(refusal(noisy("gaussian:alpha=0.1,input=0.1"), given), HasSubstr("is not dropout"));
  EXPECT_THAT(refusal(noisy("none")),
              HasSubstr("precision must be a number where length_scale is set"));
  EXPECT_THAT(refusal(noisy("none"), {.length_scale = -1, .precision = "2"}),
              HasSubstr("length_scale must be"));
}

}  // namespace
}  // namespace scalemix::train
