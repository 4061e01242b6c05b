#include "scalemix/compress/student.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/base/error.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Family;

std::vector<std::size_t> narrowed(const std::vector<std::size_t>& widths, double factor) {
  std::vector<std::size_t> out;
  for (const std::size_t w : widths) {
    out.push_back(std::max<std::size_t>(
        1, static_cast<std::size_t>(std::floor(factor * static_cast<double>(w)))));
  }
  return out;
}

}  // namespace

std::string student_of(const model::Spec& teacher, std::size_t weights) {
  std::vector<std::size_t> hidden;
  std::string activation;
  for (const model::Layer& layer : teacher.layers) {
    const model::LayerKind& kind = model::layer_kind(layer.type);
    const bool dense = kind.family == Family::weighted && !kind.windows;
    const bool plain = dense || kind.family == Family::activation || kind.family == Family::shape ||
                       kind.family == Family::noise;
    if (!plain) {
      throw ConfigError(
          fmt::format("--weights is for a teacher of dense layers, {} is none: give --model",
                      model::label(layer)));
    }
    if (dense) hidden.push_back(layer.out);
    if (kind.family == Family::activation) activation = layer.type;
  }
  if (hidden.size() < 2)
    throw ConfigError("--weights: the teacher has no hidden layer: give --model");
  hidden.pop_back();
  const auto count = [&](const std::vector<std::size_t>& widths) {
    std::size_t sum = 0, in = model::elements(teacher.input);
    for (const std::size_t w : widths) sum += in * w, in = w;
    return sum + in * teacher.outputs;
  };
  if (count(narrowed(hidden, 0)) > weights) {
    throw ConfigError(fmt::format("--weights {}: one unit per layer has {} already", weights,
                                  count(narrowed(hidden, 0))));
  }
  double fits = 0, most = 1;
  while (count(narrowed(hidden, most)) <= weights) fits = most, most *= 2;
  for (int i = 0; i < 60; ++i) {
    const double middle = (fits + most) / 2;
    (count(narrowed(hidden, middle)) <= weights ? fits : most) = middle;
  }
  const std::string word = fmt::format("mlp:{}", fmt::join(narrowed(hidden, fits), "-"));
  return activation.empty() || activation == "relu" ? word : word + "," + activation;
}

}  // namespace scalemix::inline v0::compress
