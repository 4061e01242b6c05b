#include "scalemix/compress/moments.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/compress/plain.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise_tensors.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Layer;
using model::Model;

bool holds_posterior(const Layer& layer) {
  const model::Noise* noise = model::drawn_noise(layer);
  return model::has_weights(layer) && noise && model::noise_kind(noise->kind).log_alpha;
}

/// The weights of a deterministic pass; of a posterior that switches weights off at a threshold, their
/// means, so that another rule may choose otherwise.
std::vector<float> means(const Model& model, const Layer& layer) {
  const model::Noise* noise = model::drawn_noise(layer);
  if (noise && model::noise_kind(noise->kind).threshold &&
      !model::noise_kind(noise->kind).draws_input_too()) {
    return model.tensors.at(layer.name + ".weight").floats();
  }
  return plain_weights(model, layer);
}

/// alpha mu^2, of a log alpha that the kind may bound.
std::vector<float> bounded_variances(const Model& model, const Layer& layer,
                                     const model::NoiseTensors& tensors) {
  std::vector<float> out(tensors.weights());
  tensors.kind().log_alpha(tensors.at(), out.data());
  const std::vector<float> w = means(model, layer);
  for (std::size_t i = 0; i < out.size(); ++i) {
    // Where mu is all but 0, log alpha is infinite and its product with mu^2 none: bounded, it is large.
    const double alpha = std::exp(std::min(static_cast<double>(out[i]), 80.0));
    out[i] = static_cast<float>(alpha * std::max(static_cast<double>(w[i]) * w[i], 1e-37));
  }
  return out;
}

/// What training draws with, where the noise acts by moments on the weights themselves; and what log
/// alpha says of the others and of weights that training switches off.
std::vector<float> posterior_variances(const Model& model, const Layer& layer) {
  const model::Noise& noise = *model::drawn_noise(layer);
  const model::NoiseTensors tensors(model, layer, noise);
  std::vector<float> out = bounded_variances(model, layer, tensors);
  const model::NoiseKind& kind = tensors.kind();
  const bool by_moments = model::noise_place(noise, layer, true) == model::Where::moments;
  if (!by_moments || !kind.prepare || kind.draws_input_too()) return out;
  const model::At still = tensors.at();
  const model::NoiseUse use = model::noise_use(noise, layer, still.use.in, true);
  std::vector<float> prepared(kind.prepared(use));
  kind.prepare(
      {.use = use, .train = true, .own = still.own, .w = still.w, .prepared = prepared.data()});
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (prepared[i] > 0) out[i] = prepared[i];
  }
  return out;
}

/// Variance over squared mean of what multiplies; 0 of other noise and without a finite variance.
double alpha_of(const model::Noise& noise, const Layer& layer) {
  const model::NoiseSignal signal = model::noise_signal(noise, layer);
  if (signal.add || !signal.law) return 0;
  const double alpha = signal.law->mu2() - 1;
  return std::isfinite(alpha) ? alpha : 0;
}

/// Calls f(layer, alpha) for the layers with weights: the alpha of the noise that has met their input
/// since the weights before, and of that on the weights.
template <class F>
void each_alpha(const Model& model, const F& f) {
  double so_far = 1;  // E z^2 / (E z)^2 of independent factors multiply
  model::for_each_layer(model.spec, [&](const Layer& layer, const model::Shape&) {
    for (const model::Noise& noise : layer.noise) so_far *= 1 + alpha_of(noise, layer);
    if (!model::has_weights(layer)) return;
    f(layer, so_far - 1);
    so_far = 1;
  });
}

}  // namespace

Moments weights_of(const Model& model) {
  Moments out{"weights", {}};
  model::for_each_layer(model.spec, [&](const Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    const std::vector<float> w = means(model, layer);
    out.layers.push_back({layer.name, layer.out, w, std::vector<float>(w.size())});
  });
  return out;
}

bool has_posterior(const Model& model) {
  bool any = false;
  model::for_each_layer(model.spec, [&](const Layer& layer, const model::Shape&) {
    any = any || holds_posterior(layer);
  });
  return any;
}

Moments posterior_moments(const Model& model) {
  if (!has_posterior(model)) {
    throw ConfigError(
        "no layer of this network has a posterior over its weights: train with svdo, vi, vdo_b, "
        "gsm, ..., or take another estimator");
  }
  Moments out = weights_of(model);
  out.estimator = "posterior";
  std::size_t l = 0;
  model::for_each_layer(model.spec, [&](const Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    if (holds_posterior(layer)) out.layers[l].variance = posterior_variances(model, layer);
    ++l;
  });
  return out;
}

Moments noise_moments(const Model& model) {
  Moments out = weights_of(model);
  out.estimator = "noise";
  bool any = false;
  std::size_t l = 0;
  each_alpha(model, [&](const Layer&, double alpha) {
    LayerMoments& m = out.layers[l++];
    any = any || alpha > 0;
    for (std::size_t i = 0; i < m.mean.size(); ++i) {
      m.variance[i] = static_cast<float>(alpha * m.mean[i] * m.mean[i]);
    }
  });
  if (!any) throw ConfigError("no layer of this network meets multiplicative noise of a law");
  return out;
}

Moments spread_moments(const Model& model) {
  if (model.spread.empty()) {
    throw ConfigError(
        "training kept no spread of the weights: train with --spread 0.4, or take another estimator");
  }
  Moments out = weights_of(model);
  out.estimator = "spread";
  for (LayerMoments& layer : out.layers) {
    const auto found = model.spread.find(layer.layer + ".weight");
    if (found == model.spread.end()) {
      throw ConfigError("training kept no spread of the weights of layer " + layer.layer);
    }
    layer.variance = found->second.floats();
  }
  return out;
}

}  // namespace scalemix::inline v0::compress
