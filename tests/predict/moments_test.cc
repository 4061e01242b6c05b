// Draws by moments against draws that are made one by one: structured noise of each output's own is
// distributed as the noise that outputs share, for each output alone; masks on weights.

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "scalemix/kernel/reparam.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/build.h"
#include "scalemix/model/method.h"
#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"

namespace scalemix::predict {
namespace {

constexpr std::size_t kDraws = 40000;

struct Moments {
  double mean[2] = {}, variance[2] = {}, covariance = 0;
};

/// Of the two outputs of a single layer, for one row.
Moments moments(const char* method) {
  model::Spec spec = model::chain({{3}, Task::classification, 2}, {model::linear(3, 2)});
  model::apply_method(spec, method);
  model::Model m = model::filled_model(spec);
  const std::string name = spec.layers[0].name;
  m.tensors[name + ".log_alpha"] = model::Tensor::of({3}, std::vector<float>{-1, -0.2f, -2});
  m.tensors[name + ".reflectors"] =
      model::Tensor::of({2, 3}, std::vector<float>{0.5f, -1, 2, 1, 1, -0.5f});
  m.tensors[name + ".weight"] =
      model::Tensor::of({2, 3}, std::vector<float>{0.5f, -1, 0.3f, 0.8f, 0.4f, -0.6f});
  const Predictor predictor(m);
  Context context(predictor);
  std::vector<float> out;
  predict_outputs(context, std::vector<float>{1, -0.5f, 2}, 1, {.samples = kDraws, .seed = 3}, out);
  Moments result;
  for (std::size_t t = 0; t < kDraws; ++t) {
    for (std::size_t o = 0; o < 2; ++o) result.mean[o] += out[2 * t + o] / kDraws;
  }
  for (std::size_t t = 0; t < kDraws; ++t) {
    const double a = out[2 * t] - result.mean[0], b = out[2 * t + 1] - result.mean[1];
    result.variance[0] += a * a / kDraws, result.variance[1] += b * b / kDraws;
    result.covariance += a * b / kDraws;
  }
  std::vector<float> fixed;
  predict_outputs(context, std::vector<float>{1, -0.5f, 2}, 1, {}, fixed);
  for (std::size_t o = 0; o < 2; ++o) EXPECT_NEAR(fixed[o], result.mean[o], 0.03) << method;
  return result;
}

/// Draws are those of the layer's number in the stream, an output each.
TEST(Turned, DrawsAreThoseOfItsSite) {
  model::Spec spec = model::chain({{3}, Task::classification, 2}, {model::linear(3, 2)});
  model::apply_method(spec, "vsd:noise=column");
  const model::Model m = model::filled_model(spec);
  const Predictor predictor(m);
  Context context(predictor);
  const std::vector<float> x{1, -0.5f, 2};
  std::vector<float> fixed, drawn;
  predict_outputs(context, x, 1, {}, fixed);
  predict_outputs(context, x, 1, {.samples = 50, .seed = 3}, drawn);
  const law::Sampler normal = law::AnyLaw::parse("normal:scale=1").raw();
  const kernel::Site site{.rows = 1, .columns = 2};
  for (std::size_t o = 0; o < 2; ++o) {
    double sd = 0;
    for (std::uint32_t t = 0; t < 50; ++t) {
      const Stream stream{3, stream_id(Purpose::predict, spec.layers[0].site), t};
      const double z = kernel::ref::zeta(normal, stream, site, o),
                   off = drawn[2 * t + o] - fixed[o];
      if (t == 0) sd = off / z;
      EXPECT_NEAR(off, sd * z, 1e-4 * std::abs(sd)) << t;
    }
    EXPECT_GT(sd, 0.01);
  }
}

TEST(Turned, EachOutputAloneIsAlike) {
  for (const char* variant : {"a", "b"}) {
    const std::string word = std::string("vsd:depth=2,variant=") + variant;
    const Moments shared = moments(word.c_str()), own = moments((word + ",noise=column").c_str());
    for (std::size_t o = 0; o < 2; ++o) {
      EXPECT_GT(own.variance[o], 0.1);
      EXPECT_NEAR(own.mean[o], shared.mean[o], 0.03);
      EXPECT_NEAR(own.variance[o], shared.variance[o], 0.03 * shared.variance[o]);
    }
    EXPECT_GT(std::abs(shared.covariance), 0.1 * shared.variance[0]);
    EXPECT_NEAR(own.covariance, 0, 0.02 * shared.variance[0]);
  }
}

/// Moments of masks on weights against masks that are drawn for every row.
TEST(DropConnect, MomentsAreThoseOfDrawnMasks) {
  const auto statistics = [](const char* method) {
    model::Spec spec = model::chain({{3}, Task::classification, 2}, {model::linear(3, 2)});
    model::apply_method(spec, method);
    const Predictor predictor(model::filled_model(spec));
    Context context(predictor);
    const std::vector<float> x{1, -0.5f, 2};
    std::vector<float> out, fixed;
    predict_outputs(context, x, 1, {.samples = kDraws, .seed = 3}, out);
    predict_outputs(context, x, 1, {}, fixed);
    std::vector<double> result(fixed.begin(), fixed.end());
    for (std::size_t o = 0; o < 2; ++o) {
      double mean = 0, square = 0;
      for (std::size_t t = 0; t < kDraws; ++t) {
        mean += out[2 * t + o] / kDraws;
        square += double(out[2 * t + o]) * out[2 * t + o] / kDraws;
      }
      result.push_back(mean);
      result.push_back(square - mean * mean);
    }
    return result;
  };
  const std::vector<double> drawn = statistics("dropconnect:p=0.3,mask=row"),
                            moments = statistics("dropconnect:p=0.3,mask=row,inference=moments");
  for (std::size_t i = 0; i < drawn.size(); ++i) EXPECT_NEAR(moments[i], drawn[i], 0.003) << i;
  EXPECT_GT(drawn[3], 0.03);
}

}  // namespace
}  // namespace scalemix::predict
