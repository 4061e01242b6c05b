#include "scalemix/cli/reproduce/training/trainee.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "scalemix/base/error.h"
#include "scalemix/data/registry.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/metric/rank_test.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method.h"
#include "scalemix/train/stack.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

void fill_normal(float* to, std::size_t n, double variance, std::uint64_t seed,
                 std::uint32_t site) {
  const auto normal = law::AnyLaw::make("normal", std::vector<double>{std::sqrt(variance)});
  kernel::draws(normal.raw(), {.seed = seed, .stream = stream_id(Purpose::init, site)},
                {.rows = 1, .columns = n}, to);
}

/// Gaussian weights and biases of given scale in every layer. Biases draw from sites of their own,
/// above those of the layers.
void start(train::Stack& stack, const model::Spec& spec, const Training& training) {
  constexpr std::uint32_t kBiases = 1u << 20;
  train::Store& store = stack.store();
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    const auto fill = [&](const char* name, double variance, std::uint32_t site) {
      const engine::Slot& slot = store.layout.at(layer.name + name);
      fill_normal(store.values_of(0) + slot.offset, slot.count, variance, training.seed, site);
    };
    fill(".weight", *training.sigma_w2 / static_cast<double>(layer.in), layer.site);
    if (training.sigma_b2 > 0) fill(".bias", training.sigma_b2, kBiases + layer.site);
  });
  stack.values_changed();
}

/// One step; its nll.
double step(train::Stack& stack, std::size_t batch) {
  if (stack.epoch_done()) {
    ++stack.state.epoch;
    stack.state.row = 0;
    stack.state.nll_sum[0] = 0;
  }
  const double before = stack.state.nll_sum[0];
  const std::size_t count = std::min(batch, stack.rows() - stack.state.row);
  stack.step();
  return (stack.state.nll_sum[0] - before) / static_cast<double>(count);
}

}  // namespace

double Trained::last_nll() const {
  if (diverged || nll.empty()) return std::numeric_limits<double>::infinity();
  const std::size_t n = std::max<std::size_t>(1, nll.size() / 10);
  return std::accumulate(nll.end() - static_cast<std::ptrdiff_t>(n), nll.end(), 0.0) /
         static_cast<double>(n);
}

double Trained::least_error() const {
  return error.empty() ? last_error() : *std::min_element(error.begin(), error.end());
}

namespace {

double friedman_p(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> table;
  for (std::size_t i = 0; i < a.size(); ++i) table.insert(table.end(), {-a[i], -b[i]});
  return metric::friedman(table, 2).p;
}

}  // namespace

std::optional<bool> smaller(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() < 2 || friedman_p(a, b) >= 0.05) return std::nullopt;
  std::size_t wins = 0;
  for (std::size_t i = 0; i < a.size(); ++i) wins += a[i] < b[i];
  return 2 * wins > a.size();
}

std::string comparison(const std::vector<double>& a, const std::vector<double>& b,
                       const char* over) {
  const std::string means =
      fmt::format("{:.3g} against {:.3g}", mean_of(a).value, mean_of(b).value);
  if (a.size() < 2) return means + ", once";
  return fmt::format("{} over {} {}, Friedman's p = {:.2g}", means, a.size(), over,
                     friedman_p(a, b));
}

Trainee::Trainee(std::size_t train_rows, std::size_t test_rows, const std::string& data) {
  run::TrainConfig config;
  config.data = !data.empty() ? data : data::locate(data::named_set("mnist")) ? "mnist" : "glyphs";
  config.model = "linear";
  config.method = {"none"};
  plan_ = run::make_plan(config);
  if (plan_.data.classes.empty()) {
    throw DataError(plan_.data.name, 0, 0, "has no classes, and images with classes are needed");
  }
  data::Split& split = plan_.replicas.front().split;
  split.train.resize(std::min(train_rows, split.train.size()));
  split.validation.assign(
      split.test.begin(),
      split.test.begin() + static_cast<std::ptrdiff_t>(std::min(test_rows, split.test.size())));
}

model::Spec Trainee::spec(const Training& training) const {
  model::Spec spec = model::architecture(
      training.model, {plan_.data.shape, Task::classification, plan_.data.classes.size()});
  model::apply_method(spec, training.method);
  return spec;
}

Trained Trainee::run(const Training& training) {
  plan_.spec = spec(training);
  train::FitOptions& c = plan_.options;
  c.init = training.sigma_w2 ? "he" : training.init;
  c.optimiser = training.optimiser;
  c.lr = training.lr;
  c.batch = static_cast<int>(training.batch);
  c.schedule = "constant";
  train::Replica& replica = plan_.replicas.front();
  replica.seed = training.seed;
  replica.settings.lr = training.lr;
  train::Stack stack(plan_.data, plan_, {0});
  if (training.sigma_w2) start(stack, plan_.spec, training);
  Trained out;
  try {
    for (std::size_t i = 1; i <= training.steps; ++i) {
      out.nll.push_back(step(stack, training.batch));
      const bool last = i == training.steps;
      if (last || (training.watch > 0 && i % training.watch == 0)) {
        out.error.push_back(stack.validate().error[0]);
      }
    }
  } catch (const Diverged&) {
    out.diverged = true;  // an answer here, not a failure
  }
  return out;
}

}  // namespace scalemix::inline v0::cli::reproduce
