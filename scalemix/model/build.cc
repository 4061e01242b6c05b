#include "scalemix/model/build.h"

#include <utility>

namespace scalemix::inline v0::model {
namespace {

Layer pool(std::string type, std::size_t kernel) {
  return {.type = std::move(type), .kernel = kernel, .stride = kernel == 0 ? 1 : kernel};
}

}  // namespace

Layer linear(std::size_t in, std::size_t out, bool bias) {
  return {.type = "linear", .in = in, .out = out, .bias = bias};
}

Layer conv2d(std::size_t in, std::size_t out, Window window, bool bias) {
  return {.type = "conv2d",
          .in = in,
          .out = out,
          .kernel = window.kernel,
          .stride = window.stride,
          .padding = window.padding,
          .bias = bias};
}

Layer batch_norm(std::size_t channels, double eps) {
  return {.type = "batch_norm", .in = channels, .out = channels, .eps = eps};
}

Layer layer_norm(std::size_t numbers, double eps) {
  return {.type = "layer_norm", .in = numbers, .out = numbers, .eps = eps};
}

Layer max_pool(std::size_t kernel) { return pool("max_pool", kernel); }
Layer avg_pool(std::size_t kernel) { return pool("avg_pool", kernel); }
Layer flatten() { return {.type = "flatten"}; }

Layer residual(Layers branch, Layers shortcut) {
  return {.type = "residual", .branch = std::move(branch), .shortcut = std::move(shortcut)};
}

Layer activation(std::string name, double slope) {
  return {.type = std::move(name), .slope = slope};
}

Layer relu() { return activation("relu"); }

Spec chain(const Problem& problem, Layers layers) {
  Spec spec{.input = problem.input, .task = problem.task, .outputs = problem.outputs};
  spec.layers = std::move(layers);
  spec.number();
  spec.validate();
  return spec;
}

Spec mlp(const Problem& problem, const std::vector<std::size_t>& hidden, const std::string& name) {
  Layers layers;
  if (problem.input.size() > 1) layers.push_back(flatten());
  std::size_t width = elements(problem.input);
  for (const std::size_t next : hidden) {
    layers.push_back(linear(width, next));
    layers.push_back(activation(name));
    width = next;
  }
  layers.push_back(linear(width, problem.outputs));
  return chain(problem, std::move(layers));
}

}  // namespace scalemix::inline v0::model
