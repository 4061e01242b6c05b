// Gal, Hron & Kendall (2017), concrete dropout: the learned p falls as the data grow, y = 2 x + 8 + noise of
// standard deviation 1, for 10 to 10000 rows. The notebook's network is 3 x 1024 and its p of the first
// layer 0.077, 0.079, 0.075, 0.079, of the others 0.40, 0.24, 0.23, 0.13.

#include <fmt/format.h>

#include <numeric>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/noise_tensors.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

data::Dataset line(std::size_t rows, std::size_t test, std::uint64_t seed) {
  const std::size_t n = rows + test;
  data::Dataset out;
  out.name = "2 x + 8";
  out.shape = {1};
  out.features = {"x"};
  std::vector<float> e(n);
  out.x.resize(n);
  const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
  kernel::draws(normal.raw(), {seed, stream_id(Purpose::generate, 3), 0}, {.rows = n, .columns = 1},
                out.x.data());
  kernel::draws(normal.raw(), {seed, stream_id(Purpose::generate, 4), 0}, {.rows = n, .columns = 1},
                e.data());
  for (std::size_t i = 0; i < n; ++i) out.y.push_back(2 * out.x[i] + 8 + e[i]);
  data::Split split;
  split.train.resize(rows), split.test.resize(test);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(rows));
  out.splits = {split};
  return out;
}

/// The learned p of each hidden layer but the first, of each model: their mean.
std::vector<double> learned(const std::vector<model::Model>& models) {
  std::vector<double> out;
  for (const model::Model& m : models) {
    double sum = 0, count = -1;
    model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
      for (const model::Noise& noise : layer.noise) {
        if (count++ < 0) continue;  // of the input
        const model::NoiseTensors tensors(m, layer, noise);
        sum += tensors.kind().readings(tensors.at())[0].value;
      }
    });
    out.push_back(sum / count);
  }
  return out;
}

}  // namespace

Result concrete_calibration(const Effort& effort) {
  run::TrainConfig base;
  base.model = effort.pick<const char*>("mlp:16-16", "mlp:100-100-100", "mlp:1024-1024-1024");
  base.method = {"concrete:p=0.1,length=0.0001"};
  base.batch = 20;
  base.seed = effort.seed;
  base.seeds = effort.size == Size::full ? 3 : contest_seeds(effort);
  base.samples = 20;
  const double steps = effort.pick(50.0, 6000.0, 30000.0);
  Result result;
  result.seeds = static_cast<std::size_t>(base.seeds);
  report::Panel panel{"concrete dropout", {"rows", true}, {"learned p"}};
  report::Series series{"hidden layers", {}, {}, {}, report::Style::both};
  std::vector<std::vector<double>> p;
  for (const std::size_t rows : effort.pick<std::vector<std::size_t>>(
           {10, 50, 100}, {10, 100, 1000, 10000}, {10, 100, 1000, 10000})) {
    base.epochs = std::max(1, static_cast<int>(steps * 20 / static_cast<double>(rows)));
    const Scores scores = hold(base, line(rows, 1000, effort.seed));
    p.push_back(learned(scores.models));
    const Mean mean = mean_of(p.back()), rmse = mean_of(scores.error);
    result.rows.push_back(
        {fmt::format("{} rows: learned p of the hidden layers", rows), mean.value, mean.error});
    result.rows.push_back({fmt::format("{} rows: RMSE, of noise 1", rows), rmse.value, rmse.error});
    series.x.push_back(static_cast<double>(rows)), series.y.push_back(mean.value),
        series.error.push_back(mean.error);
    if (p.size() > 1) {
      result.claims.push_back(smaller_claim(
          fmt::format("p falls from {:g} to {} rows", series.x[series.x.size() - 2], rows),
          p.back(), p[p.size() - 2]));
    }
  }
  panel.series.push_back(series);
  result.figure = {"more rows, less dropout", {panel}};
  result.notes = {
      fmt::format("{}, batch 20, {:g} steps, Adam 0.001; the notebook's network is 3 x 1024",
                  base.model, steps),
      "the notebook's p of hidden layers: 0.40 (10 rows), 0.24 (100), 0.23 (1000), 0.11 to 0.17 (10000)"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
