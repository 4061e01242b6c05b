#include "scalemix/study/switched_off.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "scalemix/compress/fold_blocks.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::study {
namespace {

/// The inputs of a table whose weights in the first layer are all zero.
void add_inputs(const model::Model& model, SwitchedOff& out) {
  const model::Layer& first = model.spec.layers.front();
  if (!model::has_weights(first) || model::layer_kind(first.type).windows) return;
  out.all_inputs = first.in;
  const std::vector<float> w = predict::deterministic_weights(model, first);
  for (std::size_t i = 0; i < first.in; ++i) {
    bool on = false;
    for (std::size_t o = 0; o < first.out; ++o) on |= w[o * first.in + i] != 0;
    if (on) continue;
    const std::vector<std::string>& names = model.preprocessing.features;
    out.inputs.push_back(i < names.size() ? names[i] : fmt::format("input {}", i + 1));
  }
}

}  // namespace

SwitchedOff switched_off(const model::Model& model) {
  SwitchedOff out;
  if (model.spec.input.size() == 1) add_inputs(model, out);
  for (const model::Layer& layer : model.spec.layers) {
    out.all_blocks += model::layer_kind(layer.type).family == model::Family::residual;
  }
  out.blocks = compress::blocks_off(model);
  return out;
}

nlohmann::ordered_json to_json(const SwitchedOff& off) {
  return {{"inputs", off.inputs},
          {"of_inputs", off.all_inputs},
          {"blocks", off.blocks},
          {"of_blocks", off.all_blocks}};
}

std::string to_text(const SwitchedOff& off) {
  std::string out;
  const auto add = [&](const char* what, const std::vector<std::string>& names, std::size_t all) {
    if (names.empty()) return;
    out += fmt::format("{}{} {} ({} of {})", out.empty() ? "" : "; ", what, fmt::join(names, ", "),
                       names.size(), all);
  };
  add("inputs", off.inputs, off.all_inputs);
  add("blocks", off.blocks, off.all_blocks);
  return out;
}

}  // namespace scalemix::inline v0::study
