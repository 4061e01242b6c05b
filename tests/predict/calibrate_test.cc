// Temperature and conformal quantile of a model: what they promise on rows that were not used, and that a file
// keeps them.

#include "scalemix/predict/calibrate.h"

#include <gmock/gmock.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/model/build.h"
#include "scalemix/predict/evaluate.h"
#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

using namespace model;

/// Rows x ~ U(-1, 1)^2; labels drawn from softmax of the network's logits over `hidden`.
data::LabelledRows rows_of(const Predictor& network, std::size_t n, double hidden,
                           std::uint32_t number) {
  data::LabelledRows out;
  out.rows = n;
  out.labelled = true;
  out.x = model::values(2 * n, number);
  Context context(network);
  std::vector<float> f;
  predict_outputs(context, out.x, n, {}, f);
  const Stream stream{7, number, 0};
  for (std::size_t i = 0; i < n; ++i) {
    if (network.spec().task == Task::regression) {
      const double e = std::sqrt(-2 * std::log(stream.uniform(2 * i))) *
                       std::cos(2 * M_PI * stream.uniform(2 * i + 1));
      out.y.push_back(f[i] + float(hidden * e));
      continue;
    }
    const std::size_t classes = network.outputs();
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) sum += std::exp(f[i * classes + c] / hidden);
    double u = stream.uniform(i) * sum;
    std::int32_t y = 0;
    for (; y + 1 < std::int32_t(classes); ++y) {
      u -= std::exp(f[i * classes + y] / hidden);
      if (u < 0) break;
    }
    out.label.push_back(y);
  }
  return out;
}

Model network(Task task) {
  const std::size_t outputs = task == Task::regression ? 1 : 3;
  Model model = filled_model(
      chain({{2}, task, outputs}, {linear(2, 8), activation("tanh"), linear(8, outputs)}));
  if (task == Task::regression)
    model.tensors["output.log_precision"] = Tensor::of({1}, std::vector<float>{0});
  for (const char* name : {"linear1.weight", "linear2.weight"}) {
    std::vector<float> w = model.tensors.at(name).floats();
    for (float& v : w) v *= 6;
    model.tensors[name] = Tensor::of(model.tensors.at(name).shape, w);
  }
  return model;
}

TEST(Calibrate, FindsTheTemperatureAndCoversWhatItPromises) {
  const Predictor plain(network(Task::classification));
  const data::LabelledRows used = rows_of(plain, 4000, 3, 21), fresh = rows_of(plain, 4000, 3, 22);
  Model model = plain.model();
  model.preprocessing.calibration = calibrate(plain, used, {.level = 0.8});
  EXPECT_NEAR(model.preprocessing.calibration.temperature, 3, 0.3);
  const Predictor calibrated(model);
  EXPECT_LT(evaluate({&calibrated}, fresh).at("nll"), evaluate({&plain}, fresh).at("nll") - 0.05);
  EXPECT_EQ(evaluate({&calibrated}, fresh).at("error"), evaluate({&plain}, fresh).at("error"));
  const Conformal c = conformal_coverage(calibrated, fresh, {});
  EXPECT_NEAR(c.coverage, 0.8, 4 * std::sqrt(0.16 / 4000) + 0.02);
  // The mean size of the sets { c : 1 - p_c <= quantile }.
  Context context(calibrated);
  const Prediction said = predict(context, fresh.x, fresh.rows);
  double size = 0;
  for (const float p : said.mean) size += 1 - p <= model.preprocessing.calibration.quantile;
  EXPECT_NEAR(c.size, size / static_cast<double>(fresh.rows), 1e-3);
  EXPECT_GT(c.size, 1);
  // Calibrating what is calibrated gives the same: it starts from the network itself.
  EXPECT_EQ(calibrate(calibrated, used, {.level = 0.8}), model.preprocessing.calibration);
}

TEST(Calibrate, IntervalsOfARegressionWhoseNoiseIsWrong) {
  const Predictor plain(network(Task::regression));  // says sd 1
  const data::LabelledRows used = rows_of(plain, 3000, 0.25, 23),
                           fresh = rows_of(plain, 3000, 0.25, 24);
  Model model = plain.model();
  model.preprocessing.calibration = calibrate(plain, used, {.level = 0.9});
  EXPECT_EQ(model.preprocessing.calibration.temperature, 1);
  EXPECT_NEAR(model.preprocessing.calibration.quantile, 1.645 * 0.25, 0.03);
  const Predictor calibrated(model);
  const Conformal c = conformal_coverage(calibrated, fresh, {});
  EXPECT_NEAR(c.coverage, 0.9, 4 * std::sqrt(0.09 / 3000) + 0.01);
  EXPECT_NEAR(c.size, 2 * 1.645 * 0.25, 0.05);
  EXPECT_THROW(conformal_coverage(plain, fresh, {}), std::invalid_argument);
}

TEST(Calibrate, AFileKeepsItAndBadNumbersAreRefused) {
  const Folder folder;
  Model model = network(Task::classification);
  model.preprocessing.calibration = {2.5, 0.9, 0.7};
  save_model(folder.file("m.safetensors"), model);
  EXPECT_EQ(load_model(folder.file("m.safetensors")).preprocessing.calibration,
            model.preprocessing.calibration);
  model.preprocessing.calibration.temperature = 0;
  EXPECT_THROW(save_model(folder.file("n.safetensors"), model), std::invalid_argument);
}

TEST(Calibrate, TooFewRowsForTheLevelAreRefused) {
  const Predictor plain(network(Task::classification));
  EXPECT_THROW(calibrate(plain, rows_of(plain, 8, 1, 25), {.level = 0.95}), std::invalid_argument);
}

}  // namespace
}  // namespace scalemix::predict
