#include "scalemix/train/plan.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "scalemix/base/error.h"
#include "scalemix/data/split.h"
#include "scalemix/engine/program.h"
#include "scalemix/optim/rule.h"
#include "scalemix/train/stack.h"

namespace scalemix::inline v0::train {

Settings settings_of(const FitOptions& options, const GridPoint& point) {
  Settings out{options.lr, options.penalty, options.weight_decay};
  for (const auto& [key, value] : point) {
    (key == "lr" ? out.lr : key == "penalty" ? out.penalty : out.weight_decay) = value;
  }
  return out;
}

void prepare(Replica& replica, const FitOptions& options, const data::Dataset& data) {
  if (options.validation_fraction > 0) {
    data::carve_validation(replica.split, options.validation_fraction, replica.seed, data);
  }
  if (replica.split.train.empty()) throw DataError(data.name, 0, 0, "no rows left to train on");
  replica.standardisation = data::standardise(data, replica.split.train);
  if (!options.from) return;
  // What the weights learned is about numbers that were standardised so.
  const model::Preprocessing& p = options.from->preprocessing;
  if (p.mean.size() != data.width()) return;
  data::Standardisation& s = replica.standardisation;
  s.mean = p.mean;
  s.scale = p.scale;
  for (std::size_t k = 0; k < s.mean.size(); ++k) {
    const double from = p.origin.empty() ? 0 : p.origin[k];
    const double here = data.origin.empty() ? 0 : data.origin[k];
    if (from != here) s.mean[k] = static_cast<float>(s.mean[k] + (from - here));
  }
  if (options.from->spec.task != data.task) return;
  s.target_mean = p.target_mean + (p.target_origin - data.target_origin);
  s.target_scale = p.target_scale;
}

std::vector<std::vector<std::size_t>> group(const Plan& plan) {
  std::map<std::pair<std::size_t, std::size_t>, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < plan.replicas.size(); ++i) {
    const data::Split& split = plan.replicas[i].split;
    groups[{split.train.size(), split.validation.size()}].push_back(i);
  }
  std::vector<std::vector<std::size_t>> out;
  for (auto& [sizes, members] : groups) out.push_back(std::move(members));
  return out;
}

Estimate estimate(const Plan& plan, const data::Dataset& data) {
  Estimate e;
  const auto batch = static_cast<std::size_t>(plan.options.batch),
             rows = batch * static_cast<std::size_t>(plan.options.train_samples);
  const engine::Layout layout(plan.spec);
  e.weights = layout.values();
  // values, gradients, the optimiser's arrays, and the best so far
  const std::size_t copies = 3 + optim::rule(plan.options.optimiser).arrays.size();
  e.bytes = 4 * (data.x.size() + plan.replicas.size() * copies * e.weights);
  const engine::Program program(plan.spec, layout, {.train = true, .rows = rows});
  e.bytes += 4 * engine::Schedule(program, rows, program.instructions().size()).floats();
  for (const Replica& r : plan.replicas) {
    const auto steps = static_cast<std::int64_t>((r.split.train.size() + batch - 1) / batch);
    e.steps = std::max(e.steps, steps);
  }
  return e;
}

double estimate_seconds(const Plan& plan, const data::Dataset& data) {
  constexpr int kWarm = 2, kTimed = 5;
  double seconds = 0;
  for (const auto& members : group(plan)) {
    Stack stack(data, plan, members);
    const auto steps = [&](int n) {
      for (int i = 0; i < n; ++i) {
        if (stack.epoch_done()) stack.end_epoch();
        stack.step();
      }
    };
    steps(kWarm);
    const auto begin = std::chrono::steady_clock::now();
    steps(kTimed);
    const double step =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / kTimed;
    const double per_epoch =
        std::ceil(static_cast<double>(stack.rows()) / static_cast<double>(plan.options.batch));
    seconds += step * per_epoch * plan.options.epochs;
  }
  return seconds;
}

}  // namespace scalemix::inline v0::train
