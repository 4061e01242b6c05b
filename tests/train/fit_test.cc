// Training in memory.

#include "scalemix/train/fit.h"

#include <gmock/gmock.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <numeric>

#include "scalemix/base/error.h"
#include "scalemix/data/generate.h"
#include "scalemix/model/build.h"
#include "scalemix/model/method.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::train {
namespace {

using testing::HasSubstr;

/// y = 2 a - b + 3, rows over a square.
struct Plane {
  std::vector<float> x, y;
  explicit Plane(std::size_t rows) {
    for (std::size_t n = 0; n < rows; ++n) {
      const auto a = static_cast<float>(n % 17) / 8, b = static_cast<float>(n % 23) / 11;
      x.insert(x.end(), {a, b});
      y.push_back(2 * a - b + 3);
    }
  }
};

model::Spec plain(Task task = Task::regression, std::size_t outputs = 1) {
  return model::mlp({{2}, task, outputs}, {8}, "tanh");
}

TEST(Fit, LearnsAPlaneFromRowsInMemory) {
  const Plane data(400);
  const model::Model model = fit(plain(), data.x, data.y, {.epochs = 120, .lr = 0.02});
  const predict::Predictor predictor(model);
  predict::Context context(predictor);
  const predict::Prediction p = predict::predict(context, data.x, 400);
  double square = 0;
  for (std::size_t n = 0; n < 400; ++n) square += std::pow(p.mean[n] - data.y[n], 2);
  EXPECT_LT(std::sqrt(square / 400), 0.1);
}

/// Mean squared error in the target's standardised units, of a deterministic pass.
double standardised_error(const model::Model& model, const Plane& data) {
  const predict::Predictor predictor(model);
  predict::Context context(predictor);
  const std::size_t rows = data.y.size();
  const predict::Prediction p = predict::predict(context, data.x, rows);
  double square = 0;
  for (std::size_t n = 0; n < rows; ++n) square += std::pow(p.mean[n] - data.y[n], 2);
  return square / static_cast<double>(rows) / std::pow(model.preprocessing.target_scale, 2);
}

float log_precision(const model::Model& model) {
  return model.tensors.at("output.log_precision").floats()[0];
}

TEST(Fit, ThePrecisionStartsAtTheFirstBatchsError) {
  const Plane data(100);
  // At a rate of next to nothing the network stays as it starts.
  const model::Model model = fit(plain(), data.x, data.y, {.epochs = 1, .batch = 100, .lr = 1e-30});
  EXPECT_NEAR(log_precision(model), -std::log(standardised_error(model, data)), 1e-5);
}

TEST(Fit, ThePrecisionSettlesAtTheErrorsThatAreLeft) {
  Plane data(300);
  for (std::size_t n = 0; n < 300; ++n) data.y[n] += n % 2 ? 0.3f : -0.3f;
  for (const char* optimiser : {"adam", "sgd", "novograd"}) {
    std::vector<std::string> said;
    std::vector<double> gaps;
    Callbacks callbacks;
    callbacks.say = [&](const std::string& what) { said.push_back(what); };
    callbacks.epoch = [&](const EpochReport& report) {
      gaps.push_back(report.precision_gap.at(0));
    };
    const FitOptions options{
        .epochs = 300, .optimiser = optimiser, .lr = 0.005, .schedule = "cosine"};
    const model::Model model = fit(plain(), data.x, data.y, options, callbacks);
    const double error = standardised_error(model, data);
    EXPECT_NEAR(error, std::pow(0.3 / model.preprocessing.target_scale, 2), 0.2 * error)
        << optimiser;
    EXPECT_NEAR(log_precision(model), -std::log(error), 0.05) << optimiser;
    EXPECT_LT(gaps.back(), 0.01) << optimiser;
    EXPECT_THAT(said, testing::IsEmpty()) << optimiser;
  }
}

TEST(Fit, SaysThatThePrecisionHasNotSettled) {
  const Plane data(300);
  std::vector<std::string> said;
  std::vector<double> gaps;
  Callbacks callbacks;
  callbacks.say = [&](const std::string& what) { said.push_back(what); };
  callbacks.epoch = [&](const EpochReport& report) { gaps.push_back(report.precision_gap.at(0)); };
  fit(plain(), data.x, data.y, {.epochs = 6, .batch = 100, .lr = 0.1}, callbacks);
  ASSERT_EQ(said.size(), gaps.back() > 0.1 ? 1u : 0u);
  ASSERT_EQ(said.size(), 1u) << gaps.back();
  EXPECT_THAT(said[0], HasSubstr("replica 0: the precision has not settled"));
  // A given one is not followed.
  callbacks.epoch = [&](const EpochReport& report) { EXPECT_TRUE(report.precision_gap.empty()); };
  const model::Model given =
      fit(plain(), data.x, data.y, {.epochs = 2, .precision = "4"}, callbacks);
  EXPECT_NEAR(log_precision(given), std::log(4 * std::pow(given.preprocessing.target_scale, 2)),
              1e-6);
}

TEST(Fit, ATargetWithoutNoiseKeepsAFinitePrecision) {
  Plane data(50);
  std::fill(data.y.begin(), data.y.end(), 0.0f);
  const model::Model model = fit(plain(), data.x, data.y, {.epochs = 2000, .lr = 0.01});
  EXPECT_LE(log_precision(model), std::log(1e8f) + 1e-5f);
  EXPECT_LT(standardised_error(model, data), 1e-3);
}

TEST(Fit, APosteriorUnderScalesThatRunsAwayHasDiverged) {
  const Plane data(60);
  for (const char* method : {"gsm", "gsm:objective=released,sampler=released", "ard_add"}) {
    model::Spec spec = plain();
    model::apply_method(spec, method);
    EXPECT_THROW(fit(spec, data.x, data.y, {.epochs = 50, .optimiser = "sgd", .lr = 1e18}),
                 Diverged)
        << method;
  }
}

TEST(Fit, ATablesEpochsMakeAboutAsManySteps) {
  const auto epochs = [](std::size_t rows, int batch) {
    FitOptions options{.batch = batch};
    data::Dataset data;
    data.task = Task::regression;
    data.shape = {2};
    data.x.resize(2 * rows);
    data.y.resize(rows);
    resolve(options, data, plain());
    return options.epochs;
  };
  EXPECT_EQ(epochs(308, 0), 4000);   // 3 steps each
  EXPECT_EQ(epochs(1030, 0), 1333);  // 9
  EXPECT_EQ(epochs(8192, 0), 188);   // 64
  EXPECT_EQ(epochs(45730, 0), 100);  // 358: no fewer
  EXPECT_EQ(epochs(20, 0), 4000);    // 1: no more
  EXPECT_EQ(epochs(1030, 32), 364);  // 33
}

TEST(Fit, LearnsClassesAndIsTheSameTwice) {
  const Plane data(300);
  std::vector<std::int32_t> label;
  for (const float y : data.y) label.push_back(y > 4);
  model::Spec spec = plain(Task::classification, 2);
  model::apply_method(spec, "bernoulli:p=0.1");
  const FitOptions options{.epochs = 40, .lr = 0.02, .seed = 3};
  const model::Model model = fit(spec, data.x, label, options),
                     again = fit(spec, data.x, label, options);
  for (const auto& [name, tensor] : model.tensors) {
    EXPECT_EQ(tensor.bytes, again.tensors.at(name).bytes) << name;
  }
  predict::Predictor predictor(model);
  predict::Context context(predictor);
  const predict::Prediction p = predict::predict(context, data.x, 300);
  std::size_t right = 0;
  for (std::size_t n = 0; n < 300; ++n) right += (p.mean[2 * n + 1] > 0.5f) == (label[n] == 1);
  EXPECT_GT(right, 285u);
}

TEST(Fit, CallsBackAfterEveryStepAndEpochAndStopsWhenAsked) {
  const Plane data(100);
  std::size_t steps = 0;
  std::vector<std::int64_t> epochs;
  Callbacks callbacks;
  callbacks.step = [&](const Stack&) { ++steps; };
  callbacks.epoch = [&](const EpochReport& report) { epochs.push_back(report.epoch); };
  callbacks.stop = [&] { return steps >= 25; };
  const model::Model model = fit(plain(), data.x, data.y, {.epochs = 50, .batch = 10}, callbacks);
  EXPECT_EQ(steps, 25u);
  EXPECT_THAT(epochs, testing::ElementsAre(1, 2));
  EXPECT_EQ(model::about(model).at("epochs"), 2);
}

TEST(Fit, KeepsTheBestEpochWhereItStopsEarly) {
  const Plane data(200);
  std::vector<std::string> said;
  Callbacks callbacks;
  callbacks.say = [&](const std::string& what) { said.push_back(what); };
  fit(plain(), data.x, data.y,
      {.epochs = 500, .lr = 0.5, .patience = 3, .validation_fraction = 0.3}, callbacks);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_THAT(said[0], HasSubstr("replica 0 stopped early; best epoch"));
}

TEST(Fit, GoesOnFromAModelWhereNamesAndShapesAgree) {
  const Plane data(300);
  const auto before = std::make_shared<const model::Model>(
      fit(plain(), data.x, data.y, {.epochs = 30, .lr = 0.02}));
  // At a rate of next to nothing it stays where it starts.
  const FitOptions still{.epochs = 1, .lr = 1e-12, .from = before};
  const model::Model same = fit(plain(), data.x, data.y, still);
  EXPECT_EQ(same.tensors.at("linear1.weight").floats(),
            before->tensors.at("linear1.weight").floats());
  EXPECT_EQ(same.preprocessing.mean, before->preprocessing.mean);
  model::Spec noisy = plain();
  model::apply_method(noisy, "svdo:init=-8");
  const model::Model posterior = fit(noisy, data.x, data.y, still);
  EXPECT_EQ(posterior.tensors.at("linear2.weight").floats(),
            before->tensors.at("linear2.weight").floats());
  EXPECT_EQ(posterior.tensors.at("linear2.log_sigma2").floats()[0], -8);
  // Another head: what has another shape starts anew.
  std::vector<std::int32_t> label;
  for (const float y : data.y) label.push_back(y > 4);
  const model::Model other = fit(plain(Task::classification, 2), data.x, label, still);
  EXPECT_EQ(other.tensors.at("linear1.weight").floats(),
            before->tensors.at("linear1.weight").floats());
  EXPECT_EQ(other.tensors.at("linear2.weight").shape, (model::Shape{2, 8}));
}

TEST(Fit, TargetsAreStandardisedByThemselvesWhereItGoesOnFromAClassification) {
  const Plane data(300);
  std::vector<std::int32_t> label;
  for (const float y : data.y) label.push_back(y > 4);
  const auto classes = std::make_shared<const model::Model>(
      fit(plain(Task::classification, 2), data.x, label, {.epochs = 1}));
  const model::Model plane = fit(plain(), data.x, data.y, {.epochs = 1, .from = classes}),
                     alone = fit(plain(), data.x, data.y, {.epochs = 1});
  EXPECT_EQ(plane.preprocessing.mean, classes->preprocessing.mean);
  EXPECT_EQ(plane.preprocessing.target_mean, alone.preprocessing.target_mean);
  EXPECT_EQ(plane.preprocessing.target_scale, alone.preprocessing.target_scale);
  const model::Model back = fit(plain(Task::classification, 2), data.x, label,
                                {.epochs = 1, .from = std::make_shared<const model::Model>(plane)});
  EXPECT_EQ(back.preprocessing.target_scale, classes->preprocessing.target_scale);
}

TEST(Fit, TrainsNothingWhereNothingIsTrained) {
  const std::vector<float> x{1, 2, 3, 4};
  const std::vector<std::int32_t> label{0, 1};
  for (const char* layer : {"relu", "flatten"}) {
    const model::Spec spec =
        model::chain({{2}, Task::classification, 2}, {model::Layer{.type = layer}});
    EXPECT_TRUE(fit(spec, x, label, {.epochs = 2}).tensors.empty()) << layer;
  }
  // The precision of a regression is a number of its own.
  const model::Spec spec = model::chain({{1}, Task::regression, 1}, {model::relu()});
  const std::vector<float> column{1, 2, 3, 4}, y{1, 2, 3, 5};
  EXPECT_NE(fit(spec, column, y, {.epochs = 2}).tensors.at("output.log_precision").floats()[0], 0);
}

TEST(Fit, ValidationScoresAreThoseOfTheModelOnItsRows) {
  const Plane rows(3000);
  data::Dataset data;
  data.name = "plane";
  data.task = Task::regression;
  data.shape = {2};
  data.x = rows.x;
  data.y.assign(rows.y.begin(), rows.y.end());
  Plan plan{.options = {.epochs = 1, .validation_fraction = 0.5}, .spec = plain()};
  resolve(plan.options, data, plan.spec);
  for (const std::uint64_t seed : {1, 2}) {
    Replica replica{.seed = seed, .settings = settings_of(plan.options, {})};
    replica.split.train.resize(3000);
    std::iota(replica.split.train.begin(), replica.split.train.end(), 0u);
    prepare(replica, plan.options, data);
    plan.replicas.push_back(std::move(replica));
  }
  Stack stack(data, plan, {0, 1});
  stack.step();
  const Scores scores = stack.validate();
  for (std::size_t r = 0; r < 2; ++r) {
    const predict::Predictor predictor(stack.model(r));
    predict::Context context(predictor);
    const std::vector<std::uint32_t>& held_out = plan.replicas[r].split.validation;
    ASSERT_EQ(held_out.size(), 1500u);  // more than are judged at a time
    std::vector<float> x;
    for (const std::uint32_t row : held_out)
      x.insert(x.end(), {rows.x[2 * row], rows.x[2 * row + 1]});
    const predict::Prediction p = predict::predict(context, x, held_out.size());
    double square = 0;
    for (std::size_t n = 0; n < held_out.size(); ++n) {
      square += std::pow(p.mean[n] - rows.y[held_out[n]], 2) / 1500;
    }
    EXPECT_NEAR(scores.error[r], std::sqrt(square), 1e-5);
    const double scale = plan.replicas[r].standardisation.target_scale;
    const double nll =
        (square / p.aleatoric[0] + std::log(2 * std::numbers::pi * p.aleatoric[0])) / 2;
    EXPECT_NEAR(scores.nll[r], nll - std::log(scale), 1e-5);
  }
  EXPECT_NE(scores.nll[0], scores.nll[1]);
}

TEST(Fit, RefusesWhatDoesNotFit) {
  const Plane data(10);
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  const std::vector<float> odd(data.x.begin(), data.x.end() - 1);
  EXPECT_THAT(message([&] { fit(plain(), odd, data.y); }), HasSubstr("19 numbers for 10 rows"));
  EXPECT_THAT(message([&] { fit(plain(Task::classification, 2), data.x, data.y); }),
              HasSubstr("another task"));
  const std::vector<std::int32_t> label{0, 1, 0, 1, 0, 1, 0, 1, 0, 2};
  EXPECT_THAT(message([&] { fit(plain(Task::classification, 2), data.x, label); }),
              HasSubstr("must be in [0, 2), got 2"));
  EXPECT_THAT(message([&] { fit(plain(), data.x, data.y, {.optimiser = "adma"}); }),
              HasSubstr("unknown optimiser 'adma', did you mean 'adam'?"));
  EXPECT_THAT(message([&] { fit(plain(Task::regression, 2), data.x, data.y); }),
              HasSubstr("one target, the network has 2"));
  EXPECT_THAT(
      message([&] { fit(plain(), data.x, data.y, {.precision = "inf"}); }),
      HasSubstr(
          "precision must be learned, tuned, positive numbers or standardised:TAU, got 'inf'"));
  const double nan = std::nan("");
  for (double FitOptions::*number :
       {&FitOptions::lr, &FitOptions::weight_decay, &FitOptions::penalty, &FitOptions::warmup_start,
        &FitOptions::warmup, &FitOptions::lr_warmup, &FitOptions::average, &FitOptions::clip}) {
    FitOptions options{.epochs = 1};
    options.*number = nan;
    EXPECT_THAT(message([&] { fit(plain(), data.x, data.y, options); }), HasSubstr("got nan"));
  }
  EXPECT_THAT(message([&] { fit(plain(), {}, std::vector<float>{}); }), HasSubstr("0 rows"));
  const model::Spec normal = model::chain(
      {{2}, Task::regression, 1}, {model::linear(2, 3), model::batch_norm(3), model::linear(3, 1)});
  EXPECT_THAT(message([&] {
                fit(normal, std::vector<float>{1, 2}, std::vector<float>{1});
              }),
              HasSubstr("needs 2 training rows at least, got 1"));
}

}  // namespace
}  // namespace scalemix::train
