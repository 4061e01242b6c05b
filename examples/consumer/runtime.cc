// scalemix::runtime: make a small noisy network, save it, load it, predict with uncertainty. All
// weights are zero, so that every draw gives the mean of the target, 7.
#include <cstdio>
#include <utility>
#include <vector>

#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"
#include "scalemix/model/model_file.h"
#include "scalemix/predict/predictor.h"

using namespace scalemix;

namespace {

model::Model zero_network() {
  model::Model m;
  m.spec = model::architecture("mlp:4", {{3}, Task::regression, 1});
  model::apply_method(m.spec, "bernoulli:p=0.5");
  const auto zeros = [](const model::Shape& shape) {
    return model::Tensor::of(shape, std::vector<float>(model::elements(shape), 0.0f));
  };
  model::for_each_layer(std::as_const(m.spec), [&](const model::Layer& layer, const model::Shape&) {
    for (const model::LayerTensor& p : model::tensors(layer)) {
      m.tensors[layer.name + "." + p.name] = zeros(p.shape);
    }
  });
  m.tensors["output.log_precision"] = zeros({1});
  m.preprocessing.mean = {0, 0, 0};
  m.preprocessing.scale = {1, 1, 1};
  m.preprocessing.target_mean = 7;
  return m;
}

}  // namespace

int main() {
  model::save_model("model.safetensors", zero_network());
  const predict::Predictor predictor(model::load_model("model.safetensors"));
  predict::Context context(predictor);
  predict::PredictOptions options;
  options.samples = 10;
  const std::vector<float> x = {1, 2, 3, 4, 5, 6};
  const predict::Prediction p = predict::predict(context, x, 2, options);
  std::printf("mean %g %g, epistemic variance %g\n", p.mean[0], p.mean[1], p.epistemic[0]);
  return p.mean[0] == 7 && p.mean[1] == 7 && p.epistemic[0] == 0 ? 0 : 1;
}
