#include "scalemix/compress/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "scalemix/base/error.h"
#include "scalemix/compress/plain.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise_tensors.h"
#include "scalemix/model/preprocessing.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Family;
using model::Layer;
using model::Model;
using model::Shape;
using Kind = Step::Kind;

/// What a deterministic pass makes of noise: x f + s, of every number.
struct Centre {
  std::vector<float> factor, shift;
  bool changes() const {
    return std::any_of(factor.begin(), factor.end(), [](float f) { return f != 1; }) ||
           std::any_of(shift.begin(), shift.end(), [](float s) { return s != 0; });
  }
};

Centre centre_of(const Model& model, const Layer& layer, const model::Noise& noise,
                 const Shape& in) {
  const model::NoiseTensors tensors(model, layer, noise);
  const std::size_t n = model::elements(in);
  Centre out{std::vector<float>(n, 1), std::vector<float>(n, 0)};
  tensors.centre(out.factor.data());
  tensors.centre(out.shift.data());
  for (std::size_t i = 0; i < n; ++i) out.factor[i] -= out.shift[i];
  return out;
}

class Builder {
 public:
  Builder(Graph& graph, bool noise) : g_(graph), noise_(noise) {}

  void run() {
    g_.values.push_back(g_.model.spec.input);
    layers(g_.model.spec.layers, g_.model.spec.input, 0);
  }

 private:
  [[noreturn]] static void refuse(const Layer& layer, const char* why) {
    throw ConfigError(fmt::format("export: layer {} {}", model::label(layer), why));
  }

  std::vector<float> tensor(const Layer& layer, const char* name) const {
    return g_.model.tensors.at(layer.name + name).floats();
  }

  std::size_t append(Step step, std::size_t x, const Layer& layer, const Shape& in,
                     const Shape& out) {
    step.name = layer.name;
    step.x = x;
    step.y = g_.values.size();
    step.in = in;
    step.out = out;
    g_.values.push_back(out);
    g_.steps.push_back(std::move(step));
    return g_.steps.back().y;
  }

  std::size_t layers(const std::vector<Layer>& list, Shape in, std::size_t x) {
    for (const Layer& layer : list) {
      const Shape out = model::output_shape(layer, in);
      x = one(layer, in, out, x);
      in = out;
    }
    return x;
  }

  std::size_t one(const Layer& layer, const Shape& in, const Shape& out, std::size_t x) {
    const model::LayerKind& kind = model::layer_kind(layer.type);
    switch (kind.family) {
      case Family::weighted:
        return weighted(layer, in, out, x);
      case Family::norm:
        return append(kind.of_batch ? scale_of(layer) : row_norm(layer), x, layer, in, out);
      case Family::activation: {
        const auto f = *kernel::find_activation(layer.type);
        return append({.kind = Kind::activation,
                       .activation = f,
                       .slope = kernel::activation_row(f).layer_parameter(layer.slope)},
                      x, layer, in, out);
      }
      case Family::pool:
        return append(pool(layer, kind), x, layer, in, out);
      case Family::shape:
        return x;  // the numbers stay as they lie
      case Family::residual: {
        const std::size_t branch = layers(layer.branch, in, x),
                          side = layers(layer.shortcut, in, x);
        const std::size_t y = append({.kind = Kind::add}, branch, layer, out, out);
        g_.steps.back().other = side;
        return y;
      }
      case Family::noise:
        return noise(layer, layer.noise.front(), in, x);
      case Family::moments:
        break;
    }
    refuse(layer, "carries means and variances, which have no form outside");
  }

  std::size_t weighted(const Layer& layer, const Shape& in, const Shape& out, std::size_t x) {
    if (const model::Noise* drawn = model::drawn_noise(layer)) {
      if (model::noise_place(*drawn, layer) == model::Where::input) {
        x = noise(layer, *drawn, in, x);
      } else if (noise_) {
        refuse(layer, "has noise on its weights, which is not drawn outside");
      } else if (model::noise_kind(drawn->kind).centre) {
        refuse(layer, "has noise behind its product");
      }
    }
    Step step{.kind = model::layer_kind(layer.type).windows ? Kind::conv : Kind::product,
              .w = plain_weights(g_.model, layer),
              .kernel = layer.kernel,
              .stride = layer.stride,
              .padding = layer.padding};
    step.b = layer.bias ? tensor(layer, ".bias") : std::vector<float>(layer.out);
    return append(std::move(step), x, layer, in, out);
  }

  Step scale_of(const Layer& layer) const {
    const std::vector<float> w = tensor(layer, ".weight"), b = tensor(layer, ".bias"),
                             mean = tensor(layer, ".running_mean"),
                             var = tensor(layer, ".running_var");
    Step step{.kind = Kind::scale};
    for (std::size_t c = 0; c < w.size(); ++c) {
      const double scale = w[c] / std::sqrt(var[c] + layer.eps);
      step.w.push_back(static_cast<float>(scale));
      step.b.push_back(static_cast<float>(b[c] - mean[c] * scale));
    }
    return step;
  }

  Step row_norm(const Layer& layer) const {
    return {.kind = Kind::row_norm,
            .w = tensor(layer, ".weight"),
            .b = tensor(layer, ".bias"),
            .eps = layer.eps};
  }

  static Step pool(const Layer& layer, const model::LayerKind& kind) {
    if (layer.kernel == 0) return {.kind = kind.largest ? Kind::max_plane : Kind::mean_plane};
    return {.kind = kind.largest ? Kind::max_pool : Kind::avg_pool,
            .kernel = layer.kernel,
            .stride = layer.stride,
            .padding = layer.padding};
  }

  std::size_t noise(const Layer& layer, const model::Noise& noise, const Shape& in, std::size_t x) {
    if (!noise_) {
      const Centre centre = centre_of(g_.model, layer, noise, in);
      if (!centre.changes()) return x;
      return append({.kind = Kind::scale, .w = centre.factor, .b = centre.shift}, x, layer, in, in);
    }
    const bool times = model::noise_kind(noise.kind).takes_law &&
                       !model::noise_signal(noise, layer).add && !model::has_weights(layer);
    if (!times) refuse(layer, "has noise that is not a law's draws times numbers");
    const std::size_t columns = model::site_columns(layer.at, in);
    return append({.kind = Kind::noise, .columns = columns, .law = noise.law}, x, layer, in, in);
  }

  Graph& g_;
  bool noise_;
};

}  // namespace

Graph graph_of(const Model& model, bool noise) {
  model::refuse_origin(model.preprocessing, "export");
  Graph out{plain(model), {}, {}};
  Builder(out, noise).run();
  return out;
}

}  // namespace scalemix::inline v0::compress
