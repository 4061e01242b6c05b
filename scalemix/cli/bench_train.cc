// The rows of `bench` that need LibTorch: whole training steps, batches gathered and weights
// updated.

#include "scalemix/base/parallel.h"
#include "scalemix/cli/bench.h"
#include "scalemix/torch/train/stack.h"

namespace scalemix::inline v0::cli {
namespace {

struct Case {
  const char *name, *data, *model, *method;
  int replicas;
};

constexpr Case kCases[] = {
    {"mlp:300-100 svdo, batch 100", "glyphs", "mlp:300-100", "svdo", 1},
    {"lenet5 svdo, batch 100", "glyphs", "lenet5", "svdo", 1},
    {"mlp:300-100 bernoulli, batch 100", "glyphs", "mlp:300-100", "bernoulli:p=0.5", 1},
    {"mlp:50 bernoulli, batch 128, 20 replicas", "friedman1", "mlp:50", "bernoulli:p=0.05", 20},
};

BenchRow measure(const Case& c, const BenchEffort& effort) {
  run::TrainConfig config;
  config.data = c.data;
  config.model = c.model;
  config.method = {c.method};
  config.seeds = c.replicas;
  config.epochs = 1000000;  // the schedules have no end here
  const train::Plan plan = train::make_plan(config);
  train::Stack stack(plan, train::group(plan).front());
  const auto step = [&] {
    if (stack.epoch_done()) stack.end_epoch();
    stack.step();
  };
  return {.time = time_calls(effort, step),
          .items = static_cast<double>(c.replicas),
          .unit = c.replicas > 1 ? "replica step" : "step"};
}

}  // namespace

std::vector<BenchCase> bench_train() {
  std::vector<BenchCase> out;
  for (const Case& c : kCases) {
    out.push_back({"train", c.name, [&c](const BenchEffort& effort) {
                     at::set_num_threads(
                         threads());  // else LibTorch takes its own default, for all of the process
                     return measure(c, effort);
                   }});
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
