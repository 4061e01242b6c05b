#include "scalemix/predict/plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "scalemix/kernel/line.h"
#include "scalemix/kernel/sparse_weights.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::predict {
namespace {

model::Model checked(model::Model model) {
  model::check_model(model);
  return model;
}

std::vector<float> noise_variance(const model::Model& model) {
  if (model.spec.task != Task::regression) return {};
  const double scale = model.preprocessing.target_scale;
  std::vector<float> out = model.tensors.at("output.log_precision").floats();
  for (float& value : out) {
    value = static_cast<float>(std::exp(-static_cast<double>(value)) * scale * scale);
  }
  return out;
}

constexpr std::size_t kFewWeights = 1024;  // that no choice repays

/// The layers whose zeros are left out.
std::map<std::string, engine::Left> left_of(const model::Model& model, const Crossover& crossover) {
  std::map<std::string, engine::Left> out;
  model::for_each_layer(model.spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    const std::vector<float> w = model.tensors.at(layer.name + ".weight").floats();
    const double zeros =
        static_cast<double>(std::count(w.begin(), w.end(), 0.0f)) / static_cast<double>(w.size());
    const bool images = model::layer_kind(layer.type).windows,
               few = zeros >= crossover.few && !images,
               many = zeros >= (images ? crossover.images : crossover.many);
    if (w.size() < kFewWeights || !(few || many)) return;
    out[layer.name] = {kernel::left_per_row(layer.out, w.size() / layer.out, w.data()), few, many};
  });
  return out;
}

/// Weights read by vectors that lie across two lines take up to twice as long.
float* line_start(const std::vector<float>& memory) {
  void* start = const_cast<float*>(memory.data());
  std::size_t bytes = memory.size() * sizeof(float);
  return static_cast<float*>(std::align(kernel::kLineFloats * sizeof(float), 0, start, bytes));
}

template <class T>
void grow(std::vector<T>& memory, std::size_t size) {
  if (memory.size() < size) memory.resize(size);
}

}  // namespace

Predictor::Plan::Plan(model::Model given, const Crossover& crossover)
    : model(checked(std::move(given))),
      layout(model.spec),
      program(model.spec, layout, {.left = left_of(model, crossover)}),
      values(layout.values()),
      state(layout.state()),
      prepared(program.prepared() + kernel::kLineFloats),
      noise_variance(predict::noise_variance(model)),
      first_draw(program.first_draw()),
      widest(*std::max_element(program.widths().begin(), program.widths().end())) {
  layout.read(model, values.data(), state.data());
  program.prepare(frame(engine::Mode::deterministic, 0));
}

engine::Frame Predictor::Plan::frame(engine::Mode mode, std::size_t rows) const {
  // A pass of a prediction writes none of these; prepare(), called once, writes `prepared`.
  return {.mode = mode,
          .rows = rows,
          .values = values.data(),
          .state = const_cast<float*>(state.data()),
          .prepared = line_start(prepared)};
}

const engine::Schedule& Context::Scratch::reserve(const Predictor::Plan& plan, std::size_t rows,
                                                  bool draws) {
  std::optional<engine::Schedule>& schedule = draws ? sampled : deterministic;
  if (!schedule || schedule->rows() < rows) {
    const std::size_t again = draws ? plan.first_draw : plan.program.instructions().size();
    schedule.emplace(plan.program, rows, again);
    grow(memory, schedule->floats());
  }
  const std::size_t outputs = plan.program.outputs();
  grow(mean, outputs * rows);
  grow(square_sum, outputs * rows);
  grow(entropy, rows);
  grow(draw_entropy, rows);
  return *schedule;
}

}  // namespace scalemix::inline v0::predict
