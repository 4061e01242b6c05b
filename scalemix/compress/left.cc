#include "scalemix/compress/left.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "scalemix/model/layer_kind.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::compress {
namespace {

/// Inputs, of a convolution channels, with a weight that is not zero.
std::size_t read_by(const model::Layer& layer, const std::vector<float>& w) {
  const std::size_t row = w.size() / layer.out, each = row / layer.in;
  std::vector<bool> read(layer.in);
  for (std::size_t e = 0; e < w.size(); ++e) {
    if (w[e] != 0) read[e % row / each] = true;
  }
  return static_cast<std::size_t>(std::count(read.begin(), read.end(), true));
}

}  // namespace

Left left_of(const model::Model& model) {
  Left out;
  bool dense = false;  // whether there was a dense layer
  model::for_each_layer(model.spec, [&](const model::Layer& layer, const model::Shape& in) {
    if (!model::has_weights(layer)) return;
    const std::vector<float> w = predict::deterministic_weights(model, layer);
    const std::size_t read = read_by(layer, w);
    const bool windows = model::layer_kind(layer.type).windows;
    if (!windows && !dense) out.sizes.push_back(read);
    dense = dense || !windows;
    out.sizes.push_back(layer.out);
    out.multiplications += model::multiplications(layer, in) * static_cast<double>(read) /
                           static_cast<double>(layer.in);
    out.weights += w.size() - static_cast<std::size_t>(std::count(w.begin(), w.end(), 0.0f));
  });
  if (!out.sizes.empty()) out.sizes.pop_back();
  return out;
}

std::string text_of(const std::vector<std::size_t>& sizes) {
  return fmt::format("{}", fmt::join(sizes, "-"));
}

}  // namespace scalemix::inline v0::compress
