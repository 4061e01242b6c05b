// Nalisnick, Hernandez-Lobato & Smyth (2019): a scale for each residual block's matrix determines the
// depth, since blocks that the data do not need shrink to nothing (ADD). The paper has no experiment
// with more blocks than are needed; these are ours: skipmlp:50x10 on
//
//   y = sin(a pi (sin(pi x1) + sin(pi x2))) + noise,  x uniform on (-1, 1)^2
//
// where one block is enough (a = 2/3) and where two are needed (a = 1). A block is off where the root
// mean E w^2 of its matrix is below 0.04 of the prior's standard deviation (method add:off=0.04); it is
// then taken out and what it leaves, relu(b), goes into the next bias (compress/fold_blocks.h).
//
// The hyper-prior is log-uniform: under inverse gamma, the paper's, a scale of 2500 weights cannot
// fall below sqrt(2 b / 2508), at which noise of 50 inputs still passes the rectifier. Variances
// start at e^-12. The penalty grows over the first epochs: at once it would switch all blocks off.

#include <fmt/format.h>

#include <algorithm>
#include <array>
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

constexpr std::size_t kTest = 1000, kBlocks = 10;
constexpr std::size_t kMostOn = 4;  // blocks that may stay

struct Task {
  const char* name;
  double a, noise;  // noise in standard deviations of the target, which is sqrt(1/2) or so
  std::size_t train_rows;
  int epochs;
  double warmup;  // share of the epochs
  std::size_t needs;
};
constexpr Task kTasks[] = {{"a = 2/3", 2.0 / 3, 0.6, 1800, 1000, 0.4, 1},
                           {"a = 1", 1, 0.7, 4000, 1500, 0.13, 2}};
// Networks without noise, by their blocks.
constexpr std::array<const char*, 4> kPlain = {"mlp:50", "skipmlp:50x1", "skipmlp:50x2",
                                               "skipmlp:50x3"};
const double kTargetScale = std::sqrt(0.5);
constexpr double kDeepTakes = 8;  // times what a network without noise takes

data::Dataset nested_sine(const Task& task, std::uint64_t seed) {
  const std::size_t n = task.train_rows + kTest;
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
  for (float& v : x) v -= 1;
  for (std::size_t i = 0; i < n; ++i) {
    const double mean = wave(task.a * (wave(x[2 * i]) + wave(x[2 * i + 1])));
    out.y.push_back(static_cast<float>(mean + task.noise * kTargetScale * noise[i]));
  }
  out.x = std::move(x);
  data::Split split;
  split.train.resize(task.train_rows);
  split.test.resize(kTest);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(task.train_rows));
  out.splits = {split};
  return out;
}

run::TrainConfig config_of(const Task& task, const std::string& model, const std::string& method,
                           const Effort& effort) {
  run::TrainConfig c;
  c.model = model;
  c.method = {method};
  c.epochs = effort.pick(4, task.epochs, 2 * task.epochs);
  c.batch = 128;
  c.lr = 3e-3;
  c.warmup_start = 0;
  c.warmup = task.warmup * c.epochs;
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

/// RMSE of networks without noise, (kPlain, seeds).
std::vector<std::vector<double>> plain_errors(const Task& task, const data::Dataset& data,
                                              const Effort& effort, run::Progress& progress,
                                              double& done) {
  std::vector<std::vector<double>> out;
  for (const char* model : kPlain) {
    run::TrainConfig config = config_of(task, model, "none", effort);
    config.schedule = "cosine";
    config.epochs = std::min(config.epochs, 500);
    const run::Plan plan = run::make_plan(config, data);
    std::vector<double>& errors = out.emplace_back();
    train_all(plan, progress, done,
              [&](const model::Model& m) { errors.push_back(rmse_of(m, plan).value); });
    progress.update(++done, model);
  }
  return out;
}

/// Of each seed.
struct Determined {
  std::vector<double> on, with, without, change;  // blocks; RMSE; the change in standard errors
};

Determined determine(const run::Plan& plan, run::Progress& progress, double& done) {
  Determined out;
  train_all(plan, progress, done, [&](const model::Model& m) {
    const compress::Folded folded = compress::fold_blocks(m);
    const Mean before = rmse_of(all_on(m), plan), after = rmse_of(folded.model, plan);
    out.on.push_back(static_cast<double>(kBlocks - folded.removed.size()));
    out.with.push_back(before.value);
    out.without.push_back(after.value);
    out.change.push_back((after.value - before.value) / before.error);
  });
  done += kDeepTakes;
  return out;
}

void add_claims(const Task& task, const std::vector<std::vector<double>>& plain,
                const Determined& found, Result& result) {
  const std::size_t seeds = found.on.size(), enough = seeds - seeds / 10;
  const auto count = [](const std::vector<double>& values, const auto& holds) {
    return static_cast<std::size_t>(std::count_if(values.begin(), values.end(), holds));
  };
  const std::size_t few = count(found.on, [](double on) { return on <= kMostOn; });
  const std::size_t same = count(found.change, [](double c) { return std::abs(c) < 1; });
  std::string counts;
  for (const double on : found.on) counts += fmt::format("{}{}", counts.empty() ? "" : " ", on);
  const std::string name = task.name;
  result.claims.push_back({fmt::format("{}: {} {} needed, with one less the RMSE is larger", name,
                                       task.needs, task.needs == 1 ? "block is" : "blocks are"),
                           smaller(plain[task.needs], plain[task.needs - 1]),
                           comparison(plain[task.needs], plain[task.needs - 1])});
  result.claims.push_back(
      {fmt::format("{}: at least 6 of 10 blocks are off in at least {} of {} seeds", name, enough,
                   seeds),
       few >= enough, fmt::format("in {} of {}; on: {}", few, seeds, counts)});
  result.claims.push_back(
      {fmt::format(
           "{}: taking them out changes the RMSE by less than one standard error in at least "
           "{} of {} seeds",
           name, enough, seeds),
       same >= enough, fmt::format("in {} of {}", same, seeds)});
}

}  // namespace

Result depth_determination(const Effort& effort) {
  const double stages = std::size(kTasks) * (std::size(kPlain) + kDeepTakes);
  run::Progress progress("training", static_cast<std::uint64_t>(stages), effort.quiet);
  Result result;
  double done = 0;
  for (const Task& task : kTasks) {
    const data::Dataset data = nested_sine(task, effort.seed);
    const auto plain = plain_errors(task, data, effort, progress, done);
    const run::Plan plan = run::make_plan(
        config_of(task, "skipmlp:50x10", "add:hyper=log_uniform,init=-12,off=0.04", effort), data);
    const Determined found = determine(plan, progress, done);
    report::Series needed{"without noise", {}, {}, {}, report::Style::both};
    for (std::size_t k = 0; k < plain.size(); ++k) {
      const Mean mean = mean_of(plain[k]);
      result.rows.push_back(
          {fmt::format("{}, {} blocks without noise: RMSE", task.name, k), mean.value, mean.error});
      needed.x.push_back(static_cast<double>(k));
      needed.y.push_back(mean.value);
    }
    const auto row = [&](const char* what, const std::vector<double>& values) {
      const Mean mean = mean_of(values);
      result.rows.push_back(
          {fmt::format("{}, 10 blocks, ADD: {}", task.name, what), mean.value, mean.error});
    };
    row("blocks that are on", found.on);
    row("RMSE as trained", found.with);
    row("RMSE without the blocks that are off", found.without);
    row("the change, in standard errors of the RMSE", found.change);
    add_claims(task, plain, found, result);
    result.figure.panels.push_back(
        {task.name,
         {"residual blocks"},
         {"RMSE on test rows"},
         {needed,
          {"ADD, blocks that are on", found.on, found.without, {}, report::Style::points}}});
    result.notes.push_back(fmt::format(
        "{}: {} training and {} test rows, {} epochs; by its noise no RMSE is below {:.3f}",
        task.name, task.train_rows, kTest, plan.config.epochs, task.noise * kTargetScale));
  }
  progress.finish(stages, "");
  result.figure.title = "how many blocks";
  result.notes.push_back("synthetic tasks of ours; the paper has no such experiment");
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
