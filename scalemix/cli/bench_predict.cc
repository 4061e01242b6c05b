// Prediction through the predictor: an untrained mlp:300-100 on 28 x 28 images, with dropout.

#include <cmath>

#include "scalemix/cli/bench.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kRows = 1000, kSamples = 100;

predict::Predictor network() {
  model::Model m;
  m.spec = model::architecture("mlp:300-100", {{1, 28, 28}, Task::classification, 10});
  model::apply_method(m.spec, "bernoulli:p=0.5");
  std::uint32_t number = 1;
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
    for (const model::LayerTensor& p : model::tensors(layer)) {
      const double scale = 1 / std::sqrt(static_cast<double>(layer.in));
      m.tensors[layer.name + "." + p.name] = model::Tensor::of(
          p.shape, bench_uniforms(model::elements(p.shape), number++, -scale, scale));
    }
  });
  return predict::Predictor(std::move(m));
}

/// Multiplications and additions of the products on one row.
double flops_of(const model::Spec& spec) {
  double out = 0;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    if (model::has_weights(layer)) out += 2.0 * static_cast<double>(layer.in * layer.out);
  });
  return out;
}

BenchRow measure(std::size_t samples, const BenchEffort& effort) {
  const predict::Predictor predictor = network();
  predict::Context context(predictor);
  const std::vector<float> x = bench_uniforms(kRows * predictor.width(), 100);
  const predict::PredictOptions options{.samples = samples, .seed = 1, .row0 = 0, .block = 0};
  predict::Prediction prediction;
  const Timing time =
      time_calls(effort, [&] { predict::predict(context, x, kRows, options, prediction); });
  if (samples > 0) {
    return {.time = time, .items = static_cast<double>(kRows * samples), .unit = "row draw"};
  }
  return {.time = time, .items = kRows, .unit = "row", .flops = kRows * flops_of(predictor.spec())};
}

}  // namespace

std::vector<BenchCase> bench_predict() {
  return {{"predict", "mlp:300-100, 1000 rows",
           [](const BenchEffort& effort) { return measure(0, effort); }},
          {"predict", "mlp:300-100, 1000 rows, 100 draws",
           [](const BenchEffort& effort) { return measure(kSamples, effort); }}};
}

}  // namespace scalemix::inline v0::cli
