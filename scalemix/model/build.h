// Specs in code.
//
//   model::Spec spec = model::chain({.input = {784}, .outputs = 10},
//                                   {model::linear(784, 300), model::relu(), model::linear(300, 10)});
//   model::apply_method(spec, "svdo");
//
// A layer's sizes are what the layer before gives; chain() checks them.
#pragma once

#include <string>
#include <vector>

#include "scalemix/model/architecture.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

using Layers = std::vector<Layer>;

/// Of convolutions and pools.
struct Window {
  std::size_t kernel = 3, stride = 1, padding = 0;
};

Layer linear(std::size_t in, std::size_t out, bool bias = true);
Layer conv2d(std::size_t in, std::size_t out, Window window = {}, bool bias = true);
Layer batch_norm(std::size_t channels, double eps = 1e-5);
Layer layer_norm(std::size_t numbers, double eps = 1e-5);
/// kernel 0: of whole channels.
Layer max_pool(std::size_t kernel);
Layer avg_pool(std::size_t kernel);
Layer flatten();
Layer residual(Layers branch, Layers shortcut = {});
/// Any activation of the table by its name; leaky_relu's slope is `slope`.
Layer activation(std::string name, double slope = 0.01);
Layer relu();

/// Numbers and checks the layers. Throws std::invalid_argument as Spec::validate does.
Spec chain(const Problem& problem, Layers layers);

/// architecture("mlp:300-100", problem), and so on, in code.
Spec mlp(const Problem& problem, const std::vector<std::size_t>& hidden,
         const std::string& activation = "relu");

}  // namespace scalemix::inline v0::model
