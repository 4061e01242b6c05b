#include "scalemix/model/method_fast.h"

#include <fmt/format.h>

#include <stdexcept>

#include "scalemix/base/number_text.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/method_weights.h"
#include "scalemix/model/method_word.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

constexpr const char* kFast = "fast";

const std::vector<scalemix::Parameter>& parameters() {
  static const std::vector<scalemix::Parameter> all{
      noise_kind(kFast).parameters[0],
      {"input", 0.5, 0, 0.999, false, false,
       "puts the noise on the network's input as well, with this p", true}};
  return all;
}

/// Whether a layer has a rule for means and variances.
bool carries(const Layer& layer) {
  const LayerKind& kind = layer_kind(layer.type);
  const bool relu = kernel::find_activation(layer.type) == kernel::Activation::relu;
  const bool dense = kind.family == Family::weighted && !kind.windows;
  return relu || dense || kind.family == Family::shape;
}

void decorate(Spec& spec, std::string_view argument) {
  const auto [values, given] = read_values(kFast, parameters(), argument);
  const bool input = !given.empty() && given[1];
  const double hidden_rate = values[0];
  const double input_rate = input ? values[1] : 0;
  for (const Layer& layer : spec.layers) {
    if (carries(layer)) continue;
    throw std::invalid_argument(
        fmt::format("fast: dense layers and ReLUs alone carry a mean and a variance, {} does not; "
                    "bernoulli draws instead",
                    label(layer)));
  }
  if (spec.layers.empty() || !has_weights(spec.layers.back())) {
    throw std::invalid_argument("fast: the last layer must have weights");
  }
  bool first = true;
  for_each_weight_layer(spec, kFast, [&](Layer& layer) {
    layer.noise.push_back({kFast, "", {first ? input_rate : hidden_rate}});
    first = false;
  });
  spec.layers.push_back({.type = spec.task == Task::regression ? "fast_mean" : "fast_logits"});
  std::string word = write_word(kFast, noise_kind(kFast).parameters, std::span(values).first(1));
  if (input) word += ",input=" + shortest_number(input_rate);
  spec.methods.push_back(std::move(word));
}

}  // namespace

MethodRow fast_row() {
  const NoiseKind& kind = noise_kind(kFast);
  return {kFast, kind.summary, kind.source, parameters(), decorate, "input of a layer", kFast};
}

}  // namespace scalemix::inline v0::model
