// fit FILE: a network built in code, trained in memory, its intervals, and its model file.
#include <cmath>
#include <cstdio>

#include "scalemix/data/dataset.h"
#include "scalemix/model/build.h"
#include "scalemix/model/method.h"
#include "scalemix/predict/predictor.h"
#include "scalemix/train/fit.h"

using namespace scalemix;

int main(int, char** argv) {
  const data::Dataset data = data::open("friedman1");
  model::Spec spec = model::mlp({.input = data.shape, .task = data.task, .outputs = 1}, {50});
  model::apply_method(spec, "bernoulli:p=0.05");
  const model::Model model = train::fit(spec, data, {.epochs = 100, .seed = 1});
  model::save_model(argv[1], model);
  const predict::Predictor predictor(model);
  predict::Context context(predictor);
  const auto p = predict::predict(context, {data.x.data(), 10}, 1, {.samples = 100});
  const double sd = std::sqrt(p.aleatoric[0] + p.epistemic[0]);
  std::printf("%.2f, in [%.2f, %.2f] with 90 %%; it was %.2f\n", p.mean[0], p.mean[0] - 1.645 * sd,
              p.mean[0] + 1.645 * sd, data.y[0]);
}
