#include "scalemix/cli/reproduce/training/shrinkage.h"

#include <fmt/format.h>

namespace scalemix::inline v0::cli::reproduce {
namespace {

run::TrainConfig as_released(const std::string& data, const Effort& effort) {
  run::TrainConfig c;
  c.data = data;
  c.splits = effort.pick("2", "all", "all");
  c.epochs = effort.pick(20, 1500, 4500);
  c.batch = 32;
  c.lr = 1e-3;
  c.schedule = "constant";
  c.train_samples = 10;
  c.samples = effort.pick(50, 500, 500);
  c.warmup_start = 0;
  c.warmup = 0;
  c.seed = effort.seed;
  c.seeds = static_cast<int>(effort.seeds);
  return c;
}

}  // namespace

run::TrainConfig structured_as_released(const std::string& data, const std::string& structure,
                                        double train_rows, double weights, const Effort& effort) {
  run::TrainConfig c = as_released(data, effort);
  c.model = "skipmlp:50x1";
  // The program draws log sigma2 from -10 to -6.5.
  c.method = {structure +
              ":hyper=inv_gamma:a=3,b=3,objective=released,sampler=released,init=-8.25,off=0"};
  c.init = "uniform:0.05";
  c.precision = "standardised:20";
  c.penalty = train_rows / weights;
  return c;
}

run::TrainConfig dropout_as_released(const std::string& data, const std::string& objective,
                                     const Effort& effort) {
  run::TrainConfig c = as_released(data, effort);
  c.model = "mlp:50";
  c.method = {"bernoulli:p=0.005,input=0.005"};
  c.init = "uniform:0.05";
  c.precision = "standardised:10";
  c.objective = objective;
  return c;
}

}  // namespace scalemix::inline v0::cli::reproduce
