// Mean and variance of every weight of a trained network, and where they are from. Which pruning rule
// wins depends on the estimator, so its name belongs to every result.
//
//   posterior   a variational layer's own: mu, and alpha mu^2
//   noise       of multiplicative noise on a layer's input or on its weights: w, and alpha w^2
//   spread      of the steps at the end of training: w, and the variance over them (train --spread)
//   laplace     diagonal Laplace: w, and 1 / (N F + 1 / sigma0^2), F the diagonal Fisher information with
//               labels drawn from the network
//
// Sources: Kingma, Salimans & Welling (2015); MacKay (1992); Mandt, Hoffman & Blei (2017) for spread; Blundell et al. (2015) for the use of
// signal-to-noise
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

/// Of the weights of a layer, (out, ...) flat.
struct LayerMoments {
  std::string layer;
  std::size_t outputs = 0;
  std::vector<float> mean, variance;
};

struct Moments {
  std::string_view estimator;
  std::vector<LayerMoments> layers;  // with weights, in execution order
};

/// The weights alone; variances are 0.
Moments weights_of(const model::Model& model);

/// Whether a layer has a posterior over its weights.
bool has_posterior(const model::Model& model);

/// Throw ConfigError where no layer has a posterior, or noise of a finite variance.
Moments posterior_moments(const model::Model& model);
Moments noise_moments(const model::Model& model);

/// Throws ConfigError where training kept no variances.
Moments spread_moments(const model::Model& model);

struct LaplaceOptions {
  std::size_t training_rows = 0;  // N; 0: as many as there are rows here
  double sigma0 = 0;              // prior sd of a weight; 0: the root mean square of all weights
  std::uint64_t seed = 0;         // of the labels
};

/// From rows x (rows, K) in the user's units; the network's noise is off, its draws of labels are one
/// per row. Throws ConfigError for batch_norm, whose rows depend on each other, and without rows.
Moments laplace_moments(const model::Model& model, std::span<const float> x, std::size_t rows,
                        const LaplaceOptions& options = {});

}  // namespace scalemix::inline v0::compress
