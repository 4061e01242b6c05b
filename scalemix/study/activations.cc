#include "scalemix/study/activations.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "scalemix/metric/dependence.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::study {
namespace {

/// The network before its last layer with weights, whose outputs are read as they are.
model::Model without_head(const model::Model& model) {
  model::Model out = model;
  std::vector<model::Layer>& layers = out.spec.layers;
  const auto last = std::find_if(layers.rbegin(), layers.rend(), model::has_weights);
  if (last == layers.rend()) {
    throw std::invalid_argument("activations: the network's last layer with weights is in a block");
  }
  layers.erase(last.base() - 1, layers.end());
  if (layers.empty() || model::layer_kind(layers.back().type).family == model::Family::residual) {
    throw std::invalid_argument("activations: nothing stands before the last layer with weights");
  }
  model::Shape shape = out.spec.input;
  for (const model::Layer& layer : layers) shape = model::output_shape(layer, shape);
  out.spec.task = Task::regression;
  out.spec.outputs = model::elements(shape);
  out.preprocessing.calibration = {};
  out.preprocessing.classes.clear();
  out.tensors.clear();
  model::for_each_layer(out.spec, [&](const model::Layer& layer, const model::Shape&) {
    for (const model::LayerTensor& tensor : model::tensors(layer)) {
      const std::string name = layer.name + "." + tensor.name;
      out.tensors[name] = model.tensors.at(name);
    }
  });
  out.tensors["output.log_precision"] =
      model::Tensor::of({out.spec.outputs}, std::vector<float>(out.spec.outputs, 0.0f));
  return out;
}

std::vector<double> unit(const Activations& a, std::size_t u) {
  std::vector<double> out(a.rows);
  for (std::size_t row = 0; row < a.rows; ++row) out[row] = a.values[row * a.units + u];
  return out;
}

bool varies(const std::vector<double>& x) {
  return std::any_of(x.begin(), x.end(), [&](double v) { return v != x[0]; });
}

}  // namespace

Activations last_inputs(const model::Model& model, std::span<const float> x, std::size_t rows,
                        const predict::PredictOptions& options) {
  const predict::Predictor predictor(without_head(model));
  predict::Context context(predictor);
  Activations out{rows, predictor.outputs(), {}};
  predict::predict_outputs(context, x, rows, options, out.values);
  out.values.resize(rows * out.units);  // of the first draw
  return out;
}

Dependence dependence(const Activations& activations, std::size_t pairs) {
  std::vector<std::vector<double>> units;
  for (std::size_t u = 0; u < activations.units; ++u) {
    units.push_back(unit(activations, u));
    if (!varies(units.back())) units.pop_back();
  }
  const std::size_t all = units.size() * (units.size() - 1) / 2;
  if (units.size() < 2 || pairs == 0) {
    throw std::invalid_argument("dependence: fewer than two units vary");
  }
  Dependence out;
  std::size_t number = 0, taken = 0;
  for (std::size_t i = 0; i < units.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j, ++number) {
      if (number * pairs / all == (number + 1) * pairs / all && pairs < all) continue;
      out.correlation += std::abs(metric::correlation(units[i], units[j]));
      out.information += metric::histogram_information(units[i], units[j]);
      ++taken;
    }
  }
  out.correlation /= static_cast<double>(taken);
  out.information /= static_cast<double>(taken);
  return out;
}

}  // namespace scalemix::inline v0::study
