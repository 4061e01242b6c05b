// Initial weights as a plan: a form and a variance for every layer that has weights, from the spec
// and a word. torch/init draws them; signal analyses them; both read this.
//
//   he             N(0, 2 / fan_in)                      (He et al. 2015)
//   xavier         N(0, 2 / (fan_in + fan_out))          (Glorot & Bengio 2010)
//   glorot         uniform of that variance, on +- sqrt(6 / (fan_in + fan_out)): Keras's default
//   normal:SD      N(0, SD^2)
//   uniform:H      on -H to H
//   critical       N(0, sigma_w^2 / fan_in), sigma_w^2 of signal/critical.h for the activation and
//                  the noise in front of the layer: 2 / mu2 behind a ReLU. The last layer has
//                  1 / mu2; the last layer of a residual branch is scaled so that all branches
//                  together let gradients grow by e at most (signal/architecture.h); the variance
//                  of a posterior counts as part of the second moment.
//   critical:G     sigma_w^2 times G: off the critical point on purpose
//   orthogonal     the same scale, rows or columns orthonormal (Saxe et al. 2014)
//   fractional:S   keeps E |x|^S, 0 < S <= 2, at finite width (signal/fractional.h)
//   looks_linear[:orthogonal]
//                  mirrored halves [[W, -W], [-W, W]], so that a ReLU network starts as a linear
//                  one (Balduzzi et al. 2017; Burkholz & Dubatovka 2019)
//   auto           critical where it exists for every layer and the network is deep or sees images,
//                  else he (images) or xavier (tables)
#pragma once

#include <string>
#include <vector>

#include "scalemix/model/spec.h"
#include "scalemix/signal/noise.h"

namespace scalemix::inline v0::model {

enum class InitialForm { gaussian, uniform, orthogonal, mirrored, mirrored_orthogonal };

/// The weights of one layer.
struct InitialWeights {
  std::string layer;
  double variance = 0;  // of each weight (orthogonal: of a Gaussian one of the same length)
  InitialForm form = InitialForm::gaussian;
  bool mirror_in = false, mirror_out = false;  // which sides of a mirrored one have halves
};

struct InitialPlan {
  std::string word;                    // what `auto` became
  std::vector<InitialWeights> layers;  // in execution order
};

/// Throws ConfigError for an unknown word, a bad argument, or one that the network cannot have
/// (`critical` behind additive noise, `looks_linear` with odd widths), saying why.
InitialPlan initial_weights(const Spec& spec, const std::string& word);

/// What stands in front of a layer with weights, as signal propagation sees it.
struct WeightSite {
  const Layer* layer = nullptr;
  double fan_in = 0, fan_out = 0;
  std::string activation;      // the last one since the weights before; empty: none
  std::string next;            // the first one behind it; empty: none
  signal::NoiseMoments noise;  // all noise since, and the layer's own on its weights
  bool first = false, last = false;
  bool branch_end = false;  // last of a residual branch without batch normalisation
};

/// The activation that a layer is, as signal/activation.h names it; empty if it is none.
std::string activation_word(const Layer& layer);

/// Inputs of one unit: of a convolution window times channels.
double fan_in(const Layer& layer);

/// The layers with weights in execution order, and the number of residual blocks.
std::vector<WeightSite> weight_sites(const Spec& spec);
std::size_t residual_blocks(const Spec& spec);

}  // namespace scalemix::inline v0::model
