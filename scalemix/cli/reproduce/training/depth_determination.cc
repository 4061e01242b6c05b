// Nalisnick, Hernandez-Lobato & Smyth (2019): a scale for each residual block's matrix determines the
// depth, since blocks that the data do not need shrink to nothing (ADD). The paper has no experiment
// with more blocks than are needed; this one is ours: skipmlp:50x10 on
//
//   y = sin(pi (sin(pi x1) + sin(pi x2))) + noise,  x uniform on (-1, 1)^2
//
// whose error falls up to two blocks and hardly beyond. A block is off where the root mean E w^2 of
// its matrix is below 0.04 of the prior's standard deviation (method add:off=0.04); it is then taken
// out and what it leaves, relu(b), goes into the next bias (compress/fold_blocks.h).
//
// The hyper-prior is log-uniform: under inverse gamma, the paper's, a scale of 2500 weights cannot
// fall below sqrt(2 b / 2508), at which noise of 50 inputs still passes the rectifier. Variances
// start at e^-12, and the penalty grows over the first 40 % of the training.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/compress/fold_blocks.h"
#include "scalemix/data/rows.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/model/noise.h"
#include "scalemix/predict/predictor.h"
#include "scalemix/run/plan.h"
#include "scalemix/run/progress.h"
#include "scalemix/train/fit.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr std::size_t kTrain = 4000, kTest = 1000, kBlocks = 10;
constexpr double kNoise = 0.4;  // of the target's standard deviation, 0.7 or so
constexpr double kMostOn = 4;   // blocks that may stay

data::Dataset nested_sine(std::uint64_t seed) {
  constexpr std::size_t n = kTrain + kTest;
  data::Dataset out;
  out.name = "nested sine";
  out.shape = {2};
  out.features = {"x1", "x2"};
  std::vector<float> x(2 * n), noise(n);
  kernel::draws(law::AnyLaw::parse("uniform:half_width=1").raw(),
                {seed, stream_id(Purpose::generate, 1), 0}, {.rows = n, .columns = 2}, x.data());
  kernel::draws(law::AnyLaw::parse("normal:scale=1").raw(),
                {seed, stream_id(Purpose::generate, 2), 0}, {.rows = n, .columns = 1},
                noise.data());
  const auto wave = [](double t) { return std::sin(M_PI * t); };
  const double sd = std::sqrt(0.5);
  for (float& v : x) v -= 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double mean = wave(wave(x[2 * i]) + wave(x[2 * i + 1]));
    out.y.push_back(static_cast<float>(mean + kNoise * sd * noise[i]));
  }
  out.x = std::move(x);
  data::Split split;
  split.train.resize(kTrain);
  split.test.resize(kTest);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(kTrain));
  out.splits = {split};
  return out;
}

run::TrainConfig config_of(const std::string& model, const std::string& method,
                           const Effort& effort) {
  run::TrainConfig c;
  c.model = model;
  c.method = {method};
  c.epochs = effort.pick(4, 500, 1000);
  c.batch = 128;
  c.lr = 3e-3;
  c.warmup_start = 0;
  c.warmup = 0.4 * c.epochs;
  c.seed = effort.seed;
  c.seeds =
      static_cast<int>(std::max<std::size_t>(effort.pick<std::size_t>(2, 10, 10), effort.seeds));
  return c;
}

/// Trains; calls done(model) for every seed.
template <class Done>
void train_all(const run::Plan& plan, run::Progress& progress, double before, const Done& done) {
  train::Callbacks callbacks;
  callbacks.epoch = [&](const train::EpochReport& report) {
    progress.update(before + static_cast<double>(report.epoch) / plan.config.epochs,
                    plan.config.model);
  };
  callbacks.end = [&](const train::Stack& stack) {
    for (std::size_t r = 0; r < stack.replicas(); ++r) done(stack.model(r));
  };
  train::run(plan.data, plan, callbacks);
}

/// Root mean squared error on the test rows, and its standard error.
Mean rmse_of(const model::Model& model, const run::Plan& plan) {
  const auto rows = data::rows_of(plan.data, plan.replicas.front().split.test);
  const predict::Predictor predictor(model);
  predict::Context context(predictor);
  std::vector<float> outputs;
  predict::predict_outputs(context, rows.x, rows.rows, {}, outputs);
  std::vector<double> squares;
  for (std::size_t i = 0; i < rows.rows; ++i) {
    const double y =
        outputs[i] * predictor.preprocessing().target_scale + predictor.preprocessing().target_mean;
    squares.push_back((y - rows.y[i]) * (y - rows.y[i]));
  }
  const Mean mean = mean_of(squares);
  const double rmse = std::sqrt(mean.value);
  return {rmse, mean.error / (2 * rmse)};
}

/// The model as it was trained, with nothing switched off.
model::Model all_on(model::Model model) {
  model::for_each_layer(model.spec, [](model::Layer& layer) {
    for (model::Noise& noise : layer.noise) {
      const auto& parameters = model::noise_kind(noise.kind).parameters;
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (parameters[i].name == "off") noise.values[i] = 0;
      }
    }
  });
  return model;
}

}  // namespace

Result depth_determination(const Effort& effort) {
  const data::Dataset data = nested_sine(effort.seed);
  const std::vector<std::string> plain = {"mlp:50", "skipmlp:50x1", "skipmlp:50x2", "skipmlp:50x4"};
  const double stages = static_cast<double>(plain.size()) + 4;  // the deep one takes about four
  run::Progress progress("training", static_cast<std::uint64_t>(stages), effort.quiet);
  Result result;
  double done = 0;
  std::vector<std::vector<double>> plain_rmse;
  report::Series needed{"without noise", {}, {}, {}, report::Style::both};
  for (const std::string& model : plain) {
    run::TrainConfig config = config_of(model, "none", effort);
    config.schedule = "cosine";
    const run::Plan plan = run::make_plan(config, data);
    std::vector<double> errors;
    train_all(plan, progress, done,
              [&](const model::Model& m) { errors.push_back(rmse_of(m, plan).value); });
    progress.update(++done, model);
    const Mean mean = mean_of(errors);
    result.rows.push_back({model + " without noise: RMSE", mean.value, mean.error});
    needed.x.push_back(model == "mlp:50" ? 0 : std::stod(model.substr(11)));
    needed.y.push_back(mean.value);
    plain_rmse.push_back(std::move(errors));
  }
  const run::Plan plan = run::make_plan(
      config_of("skipmlp:50x10", "add:hyper=log_uniform,init=-12,off=0.04", effort), data);
  std::vector<double> on, with, without, changes;
  std::size_t deep_enough = 0, unchanged = 0;
  train_all(plan, progress, done, [&](const model::Model& m) {
    const compress::Folded folded = compress::fold_blocks(m);
    const Mean before = rmse_of(all_on(m), plan), after = rmse_of(folded.model, plan);
    on.push_back(static_cast<double>(kBlocks - folded.removed.size()));
    with.push_back(before.value);
    without.push_back(after.value);
    changes.push_back((after.value - before.value) / before.error);
    deep_enough += on.back() <= kMostOn;
    unchanged += std::abs(changes.back()) < 1;
  });
  progress.finish(stages, "");
  const auto seeds = on.size();
  const auto row = [&](const char* what, const std::vector<double>& values) {
    const Mean mean = mean_of(values);
    result.rows.push_back({std::string("skipmlp:50x10, ADD: ") + what, mean.value, mean.error});
  };
  row("blocks that are on", on);
  row("RMSE as trained", with);
  row("RMSE without the blocks that are off", without);
  row("the change, in standard errors of the RMSE", changes);
  const std::size_t enough = seeds - seeds / 10;
  std::string counts;
  for (const double count : on) counts += fmt::format("{}{}", counts.empty() ? "" : " ", count);
  result.claims = {
      {"the task needs two blocks: one has a larger RMSE", smaller(plain_rmse[2], plain_rmse[1]),
       comparison(plain_rmse[2], plain_rmse[1])},
      {fmt::format("at least 6 of 10 blocks are off in at least {} of {} seeds", enough, seeds),
       deep_enough >= enough, fmt::format("{} of {}; on: {}", deep_enough, seeds, counts)},
      {fmt::format(
           "taking them out changes the RMSE by less than one standard error in at least {} of {} seeds",
           enough, seeds),
       unchanged >= enough, fmt::format("{} of {}", unchanged, seeds)}};
  report::Series found{"ADD, blocks that are on", on, without, {}, report::Style::points};
  result.figure = {
      "how many blocks",
      {{"error by depth", {"residual blocks"}, {"RMSE on test rows"}, {needed, found}}}};
  result.notes = {
      "a synthetic task of ours; the paper has no such experiment",
      fmt::format(
          "{} training and {} test rows, {} epochs; noise of 0.4 standard deviations: no RMSE is below {:.3f}",
          kTrain, kTest, plan.config.epochs, kNoise * std::sqrt(0.5))};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
