#include "scalemix/model/sparsity.h"

#include <algorithm>
#include <cmath>

#include "scalemix/kernel/variational.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::model {
namespace {

std::vector<float> tensor(const Model& model, const Layer& layer, const char* parameter) {
  return model.tensors.at(layer.name + "." + parameter).floats();
}

/// Zeroes `values` where the posterior of the weight is too wide to keep it.
void mask(const Model& model, const Layer& layer, std::vector<float>& values) {
  const std::vector<float> w = tensor(model, layer, "weight");
  const std::vector<float> log_sigma2 = tensor(model, layer, "log_sigma2");
  std::vector<float> log_alpha(w.size());
  kernel::log_alpha(w.size(), w.data(), log_sigma2.data(), log_alpha.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(log_alpha[i] < layer.threshold)) values[i] = 0;
  }
}

}  // namespace

std::vector<float> deterministic_weights(const Model& model, const Layer& layer) {
  std::vector<float> w = tensor(model, layer, "weight");
  if (layer.posterior == "svdo") mask(model, layer, w);
  if (!layer.weight_law.empty()) {
    const auto centre = static_cast<float>(law::AnyLaw::parse(layer.weight_law).centre());
    for (float& value : w) value *= centre;
  }
  return w;
}

std::vector<float> kept_variances(const Model& model, const Layer& layer) {
  std::vector<float> variance = tensor(model, layer, "log_sigma2");
  for (float& value : variance) value = std::exp(value);
  mask(model, layer, variance);
  return variance;
}

std::vector<LayerSparsity> sparsity(const Model& model) {
  std::vector<LayerSparsity> out;
  for_each_layer(model.spec, [&](const Layer& layer, const Shape&) {
    if (!has_weights(layer)) return;
    const std::vector<float> w = deterministic_weights(model, layer);
    const auto zeros = static_cast<std::size_t>(std::count(w.begin(), w.end(), 0.0f));
    out.push_back({layer.name, w.size(), w.size() - zeros});
  });
  return out;
}

}  // namespace scalemix::inline v0::model
