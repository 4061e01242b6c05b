// Whole training steps: batches gathered, weights updated.

#include <fmt/format.h>

#include <iterator>
#include <memory>

#include "scalemix/base/parallel.h"
#include "scalemix/cli/bench.h"
#include "scalemix/data/registry.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/run/plan.h"
#include "scalemix/train/stack.h"

namespace scalemix::inline v0::cli {
namespace {

const std::string kColours = "colours";  // random images (3, 32, 32), made here

const TrainStep kSteps[] = {
    {"glyphs", "mlp:300-100", "svdo", 100, 1},
    {"mnist", "mlp:300-100", "svdo", 100, 1},  // where it is: four pixels of five are black
    {"glyphs", "lenet5", "svdo", 100, 1},
    {"glyphs", "mlp:300-100", "bernoulli:p=0.5", 100, 1},
    {"friedman1", "mlp:50", "bernoulli:p=0.05", 128, 20},
    {"friedman1", "resmlp:50x3", "bernoulli:p=0.05", 128, 1},
    {kColours, "resnet:1", "none", 100, 1},
    {kColours, "vgg:0.25", "none", 100, 1},
};

/// Networks of dense layers, with more and more weights at zero.
constexpr const char* kHeld[] = {"mlp:300-100", "mlp:1000-1000"};
constexpr double kZeros[] = {0, 0.9, 0.95, 0.98, 0.99};

/// "mnist mlp:300-100 svdo, batch 100, 20 replicas"; data that comes with the program is not named.
std::string name_of(const TrainStep& s) {
  const data::NamedSet* set = data::find_set(s.data);
  std::string name = (set && set->generated() ? "" : s.data + " ") + s.model + " " + s.method;
  if (s.batch > 0) name += ", batch " + std::to_string(s.batch);
  if (s.replicas > 1) name += ", " + std::to_string(s.replicas) + " replicas";
  if (s.zeros > 0) name += fmt::format(", {:g} % of the weights at zero", 100 * s.zeros);
  return name;
}

/// Multiplications and additions of a step's products: forward, to the weights, and to the input of
/// all layers but the first; twice where a posterior has a variance of its own.
double flops_of(const model::Spec& spec, double rows) {
  double out = 0;
  bool first = true;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape& in) {
    if (!model::has_weights(layer)) return;
    const model::Noise* noise = model::drawn_noise(layer);
    const bool moments = noise && model::noise_place(*noise, layer, true) == model::Where::moments;
    const double product = 2 * model::multiplications(layer, in);
    out += rows * product * (first ? 2 : 3) * (moments ? 2 : 1);
    first = false;
  });
  return out;
}

data::Dataset colours() {
  constexpr std::size_t kRows = 1000;
  data::Dataset out;
  out.name = kColours;
  out.task = Task::classification;
  out.shape = {3, 32, 32};
  out.x = bench_uniforms(kRows * out.width(), 1);
  for (std::size_t n = 0; n < kRows; ++n) out.label.push_back(static_cast<std::int32_t>(n % 10));
  for (int c = 0; c < 10; ++c) out.classes.push_back(std::to_string(c));
  return out;
}

/// What `train` would make of the step's words; the schedules have no end here.
run::Plan plan_of(const TrainStep& s) {
  run::TrainConfig config;
  config.data = s.data;
  config.model = s.model;
  config.method = {s.method};
  config.batch = s.batch;
  config.seeds = s.replicas;
  config.epochs = 1000000;
  return s.data == kColours ? run::make_plan(config, colours()) : run::make_plan(config);
}

/// The network at its start, a share of each layer's weights at zero.
model::Model with_zeros(const run::Plan& plan, double zeros) {
  model::Model m = train::Stack(plan.data, plan, {0}).model(0);
  std::uint32_t number = 0;
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    model::Tensor& tensor = m.tensors.at(layer.name + ".weight");
    std::vector<float> w = tensor.floats();
    const std::vector<float> keep = bench_uniforms(w.size(), ++number, 0, 1);
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (keep[i] < zeros) w[i] = 0;
    }
    tensor = model::Tensor::of(tensor.shape, w);
  });
  return m;
}

BenchRow measure(const TrainStep& s, const BenchEffort& effort) {
  run::Plan plan = plan_of(s);
  if (s.zeros > 0) {
    plan.options.from = std::make_shared<model::Model>(with_zeros(plan, s.zeros));
    plan.options.prune = "fixed";
  }
  train::Stack stack(plan.data, plan, train::group(plan).front());
  const auto step = [&] {
    if (stack.epoch_done()) stack.end_epoch();
    stack.step();
  };
  return {.time = time_calls(effort, step),
          .items = static_cast<double>(s.replicas),
          .unit = s.replicas > 1 ? "replica step" : "step",
          // Of sparse data, gradients or weights the products leave out what this counts.
          .flops = stack.sparse() ? 0 : s.replicas * flops_of(plan.spec, plan.config.batch)};
}

}  // namespace

BenchCase bench_train(const TrainStep& step) {
  return {"train", name_of(step),
          [step](const BenchEffort& effort) { return measure(step, effort); }};
}

std::vector<BenchCase> bench_train() {
  std::vector<BenchCase> out;
  std::vector<TrainStep> steps(std::begin(kSteps), std::end(kSteps));
  for (const char* network : kHeld) {
    for (const double zeros : kZeros) steps.push_back({"glyphs", network, "none", 100, 1, zeros});
  }
  for (const TrainStep& step : steps) {
    const data::NamedSet* set = data::find_set(step.data);
    if (!set || set->generated() || data::locate(*set)) out.push_back(bench_train(step));
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
