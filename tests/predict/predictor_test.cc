#include "scalemix/predict/predictor.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <memory>
#include <numeric>
#include <thread>

#include "scalemix/base/parallel.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "tests/predict/fixtures.h"

namespace scalemix::predict {
namespace {

using testing::HasSubstr;

/// Only noise: what comes out is the noise itself, to the bit.
Model noise_alone(const std::string& law, const char* more = "") {
  const std::string layers =
      "[{\"type\": \"noise\", \"site\": 9, \"law\": \"" + law + "\", \"width\": 21" + more + "}]";
  return filled_model(by_hand({21}, layers.c_str()));
}

TEST(Predictor, NoiseIsTheStreamsToTheBit) {
  const std::size_t rows = 5, samples = 3;
  const std::vector<float> x = values(rows * 21, 1);
  for (const law::LawRow& row : law::laws()) {
    if (row.name == "normal") continue;
    const std::string name(row.name);
    const std::vector<float> got =
        outputs_of(noise_alone(name), x, rows, {.samples = samples, .seed = 77, .row0 = 1000});
    const law::AnyLaw law = law::AnyLaw::parse(name);
    for (std::uint32_t s = 0; s < samples; ++s) {
      std::vector<float> expected(x.size());
      kernel::ref::noise(law.multiplier(), Stream{77, stream_id(Purpose::predict, 9), s},
                         kernel::Site{.rows = rows, .columns = 21, .row0 = 1000},
                         kernel::Combine::multiply, x.data(), expected.data());
      const std::vector<float> part(got.begin() + s * x.size(), got.begin() + (s + 1) * x.size());
      EXPECT_EQ(part, expected) << name << " draw " << s;
    }
  }
}

TEST(Predictor, BlocksThreadsAndCutsDoNotChangeTheNoise) {
  const std::size_t rows = 12;
  const std::vector<float> x = values(rows * 21, 2);
  const Model model = noise_alone("gaussian:alpha=0.5");
  const PredictOptions plain{.samples = 4, .seed = 3};
  const std::vector<float> expected = outputs_of(model, x, rows, plain);
  const int before = threads();
  for (const int n : {1, 2, 3}) {
    set_threads(n);
    for (const std::size_t block : {1, 5, 12, 100}) {
      PredictOptions options = plain;
      options.block = block;
      EXPECT_EQ(outputs_of(model, x, rows, options), expected) << n << " threads, block " << block;
    }
  }
  set_threads(before);
  PredictOptions late = plain;
  late.row0 = 8;
  const std::vector<float> tail(x.begin() + 8 * 21, x.end());
  const std::vector<float> got = outputs_of(model, tail, 4, late);
  for (std::size_t s = 0; s < 4; ++s) {
    const auto part = expected.begin() + (s * rows + 8) * 21;
    EXPECT_EQ(std::vector<float>(got.begin() + s * 84, got.begin() + (s + 1) * 84),
              std::vector<float>(part, part + 84));
  }
}

TEST(Predictor, AShrunkLayerKeepsTheNoiseOfWhatIsLeft) {
  const std::size_t rows = 4;
  const std::vector<float> ones(rows * 21, 1.0f), few(rows * 3, 1.0f);
  const PredictOptions options{.samples = 2, .seed = 11};
  const std::vector<float> whole =
      outputs_of(noise_alone("laplace:alpha=0.5"), ones, rows, options);
  const Model shrunk = filled_model(by_hand({3}, R"([{"type": "noise", "site": 9,
      "law": "laplace:alpha=0.5", "width": 21, "columns": [2, 11, 20]}])"));
  const std::vector<float> left = outputs_of(shrunk, few, rows, options);
  const std::size_t columns[] = {2, 11, 20};
  for (std::size_t i = 0; i < left.size(); ++i) {
    EXPECT_EQ(left[i], whole[i / 3 * 21 + columns[i % 3]]) << i;
  }
}

TEST(Predictor, ComputingThePrefixOnceChangesNothing) {
  // bernoulli:p=0 multiplies by exactly 1, but is a draw: with it on the input nothing can be kept.
  const Problem problem{{9}, Task::regression, 2};
  const Spec kept = made("mlp:8-7", problem, {"gaussian:alpha=0.3"});
  Spec redone = kept;
  Layer one;
  one.type = "noise";
  one.noise = {noise_of("multiply", "bernoulli:p=0")};
  one.width = 9;
  redone.layers.insert(redone.layers.begin(), one);
  redone.number();
  const std::vector<float> x = values(6 * 9, 4);
  const PredictOptions options{.samples = 5, .seed = 8, .block = 4};
  Model with = filled_model(kept), without = filled_model(redone);
  EXPECT_EQ(outputs_of(with, x, 6, options), outputs_of(without, x, 6, options));
}

TEST(Predictor, MonteCarloMeanOfALinearNetworkApproachesItsDeterministicOutput) {
  const Spec spec = by_hand({6}, R"([{"type": "linear", "in": 6, "out": 8},
      {"type": "noise", "law": "bernoulli:p=0.5", "width": 8}, {"type": "linear", "in": 8, "out": 2}])");
  const Predictor predictor(filled_model(spec));
  Context context(predictor);
  const std::vector<float> x = values(3 * 6, 5);
  const std::size_t samples = 20000;
  const Prediction still = predict(context, x, 3);
  const Prediction mean = predict(context, x, 3, {.samples = samples, .seed = 1});
  for (std::size_t i = 0; i < still.mean.size(); ++i) {
    const double error = std::sqrt(mean.epistemic[i] / double(samples));
    EXPECT_GT(mean.epistemic[i], 0);
    EXPECT_NEAR(mean.mean[i], still.mean[i], 5 * error);
  }
}

// ------------------------------------------------------------------------------ predictions

TEST(Predictor, RegressionIsInTheUsersUnits) {
  Model model = filled_model(made("mlp:6", table_problem(), {"bernoulli:p=0.2"}));
  model.preprocessing.target_mean = 50;
  model.preprocessing.target_scale = 10;
  const Predictor predictor(model);
  Context context(predictor);
  const std::size_t rows = 5, samples = 9;
  const std::vector<float> x = values(rows * 7, 6);
  const PredictOptions options{.samples = samples, .seed = 2, .block = 2};
  const Prediction got = predict(context, x, rows, options);
  const std::vector<double> y = naive_outputs(model, x, rows, options);
  const std::vector<float> log_precision = model.tensors["output.log_precision"].floats();
  for (std::size_t i = 0; i < rows * 2; ++i) {
    double mean = 0, square = 0;
    for (std::size_t s = 0; s < samples; ++s) mean += y[s * rows * 2 + i] / samples;
    for (std::size_t s = 0; s < samples; ++s) {
      square += std::pow(y[s * rows * 2 + i] - mean, 2) / samples;
    }
    EXPECT_NEAR(got.mean[i], 50 + 10 * mean, 1e-4);
    EXPECT_NEAR(got.epistemic[i], 100 * square, 1e-4 * (1 + 100 * square));
    EXPECT_NEAR(got.aleatoric[i], 100 * std::exp(-log_precision[i % 2]), 1e-4);
  }
}

TEST(Predictor, ClassificationSplitsEntropyIntoItsParts) {
  const Model model = filled_model(made("lenet5", image_problem(), {"bernoulli:p=0.5"}));
  const Predictor predictor(model);
  Context context(predictor);
  const std::size_t rows = 2, samples = 6;
  const std::vector<float> x = values(rows * 256, 7, -4, 4);
  const PredictOptions options{.samples = samples, .seed = 2};
  const Prediction got = predict(context, x, rows, options);
  const std::vector<double> y = naive_outputs(model, x, rows, options);
  const auto entropy = [](const std::vector<double>& p) {
    double h = 0;
    for (const double q : p) h -= q * std::log(q);
    return h;
  };
  for (std::size_t r = 0; r < rows; ++r) {
    std::vector<double> mean(3);
    double expected = 0;
    for (std::size_t s = 0; s < samples; ++s) {
      const double* logits = &y[(s * rows + r) * 3];
      std::vector<double> p{std::exp(logits[0]), std::exp(logits[1]), std::exp(logits[2])};
      const double sum = p[0] + p[1] + p[2];
      for (std::size_t k = 0; k < 3; ++k) mean[k] += (p[k] /= sum) / samples;
      expected += entropy(p) / samples;
    }
    for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(got.mean[r * 3 + k], mean[k], 1e-5);
    EXPECT_NEAR(got.aleatoric[r], expected, 1e-5);
    EXPECT_NEAR(got.epistemic[r], entropy(mean) - expected, 1e-5);
    EXPECT_GT(got.epistemic[r], 0);
  }
}

TEST(Predictor, WithoutSamplesNothingIsEpistemic) {
  for (const Problem& problem : {table_problem(), image_problem()}) {
    const Predictor predictor(filled_model(made("mlp:6", problem, {"bernoulli:p=0.2"})));
    Context context(predictor);
    const Prediction got = predict(context, values(3 * predictor.width(), 8), 3);
    for (const float value : got.epistemic) EXPECT_EQ(value, 0);
    for (const float value : got.aleatoric) EXPECT_GT(value, 0);
  }
}

TEST(Predictor, InputsAreStandardisedAndMissingOnesTakeTheMean) {
  Model model = filled_model(made("mlp:6", table_problem()));
  model.preprocessing.mean = {1, 2, 3, 4, 5, 6, 7};
  model.preprocessing.scale = {2, 2, 2, 2, 4, 4, 4};
  std::vector<float> x = values(7, 9), standard(7);
  x[3] = std::numeric_limits<float>::quiet_NaN();
  for (std::size_t k = 0; k < 7; ++k) {
    standard[k] = k == 3 ? 0 : (x[k] - model.preprocessing.mean[k]) / model.preprocessing.scale[k];
  }
  EXPECT_LT(distance(outputs_of(model, x, 1), naive_outputs(model, standard, 1)), 1e-5);
}

TEST(Predictor, AStillNetworkGivesTheSameForEveryDraw) {
  const Model model = filled_model(made("mlp:6", table_problem()));
  const Predictor predictor(model);
  EXPECT_FALSE(predictor.stochastic());
  const std::vector<float> x = values(3 * 7, 10), once = outputs_of(model, x, 3);
  const std::vector<float> twice = outputs_of(model, x, 3, {.samples = 2});
  EXPECT_EQ(std::vector<float>(twice.begin(), twice.begin() + 6), once);
  EXPECT_EQ(std::vector<float>(twice.begin() + 6, twice.end()), once);
}

TEST(Predictor, EveryShortFormUnderSvdoPredictsTheSameAfterSavingAndLoading) {
  const Folder folder;
  for (const Case& form : short_forms()) {
    const Model model = filled_model(made(form.word, form.problem, {"svdo"}));
    save_model(folder.file("m.safetensors"), model);
    const Predictor before(model), after(load_model(folder.file("m.safetensors")));
    Context a(before), b(after);
    const std::vector<float> x = values(2 * before.width(), 3);
    const PredictOptions options{.samples = 2, .seed = 4};
    EXPECT_EQ(predict(a, x, 2, options).mean, predict(b, x, 2, options).mean) << form.word;
  }
}

TEST(Predictor, AContextOutlivesItsPredictor) {
  const Model model = filled_model(made("mlp:6", table_problem(), {"svdo"}));
  const std::vector<float> x = values(4 * 7, 11);
  auto predictor = std::make_unique<Predictor>(model);
  Context context(*predictor);
  const Prediction expected = predict(context, x, 4);
  const Predictor moved = std::move(*predictor);
  predictor.reset();
  EXPECT_EQ(predict(context, x, 4).mean, expected.mean);
}

TEST(Predictor, OneModelServesSeveralThreads) {
  const Predictor predictor(filled_model(made("mlp:6", table_problem(), {"svdo"})));
  const std::vector<float> x = values(50 * 7, 11);
  const PredictOptions options{.samples = 4, .seed = 5};
  Context first(predictor), second(predictor);
  const Prediction expected = predict(first, x, 50, options);
  Prediction a, b;
  std::thread other([&] { a = predict(first, x, 50, options); });
  b = predict(second, x, 50, options);
  other.join();
  EXPECT_EQ(a.mean, expected.mean);
  EXPECT_EQ(b.mean, expected.mean);
  EXPECT_EQ(b.epistemic, expected.epistemic);
}

TEST(Predictor, AContextServesCallsOfAnySize) {
  const Predictor predictor(filled_model(made("lenet5", image_problem(), {"svdo"})));
  Context context(predictor);
  for (const std::size_t rows : {1, 7, 2, 0, 5}) {
    const std::vector<float> x = values(rows * 256, 12);
    Context fresh(predictor);
    const PredictOptions options{.samples = 2, .seed = 6, .block = 3};
    const Prediction got = predict(context, x, rows, options),
                     expected = predict(fresh, x, rows, options);
    EXPECT_EQ(got.mean, expected.mean) << rows;
    EXPECT_EQ(got.mean.size(), rows * 3);
  }
}

TEST(Predictor, WrongSizesAndBrokenModelsAreRefused) {
  Model model = filled_model(made("mlp:6", table_problem()));
  const Predictor predictor(model);
  Context context(predictor);
  const std::vector<float> x(20);
  EXPECT_THAT(message_of<std::invalid_argument>([&] { predict(context, x, 3); }),
              HasSubstr("expected 3 rows of 7 numbers, got 20"));
  EXPECT_THROW(predict(context, x, std::numeric_limits<std::size_t>::max()), std::invalid_argument);
  const std::size_t many = std::size_t{1} << 32;
  EXPECT_THROW(predict(context, {}, 0, {.samples = many}), std::invalid_argument);
  model.tensors.erase("linear1.weight");
  EXPECT_THAT(message_of<std::invalid_argument>([&] { Predictor broken(model); }),
              HasSubstr("no tensor 'linear1.weight'"));
}

}  // namespace
}  // namespace scalemix::predict
