// Signal propagation in other architectures than a stack of dense layers.
//
//   residual        h + a (W (phi(h) z) + b) grows for every sigma_w2; what can be chosen is by
//                   how much over the depth: (1 + a^2 sigma_w2 mu2 E phi'^2)^depth for squared
//                   gradients
//   convolution     obeys the dense maps with fan-in kernel^2 channels; noise of a whole channel
//                   stands in all position pairs of one input, noise of a unit in none but its own.
//                   Zero padding loses mass at borders: trust a simulation there.
//   batch norm      linear, batch norm, activation, noise: the forward pass is normalised, and
//                   squared gradients grow backwards by
//                   mu2 E phi'^2 / (mu2 E phi^2 - (E z)^2 (E phi)^2) a layer, at q = 1:
//                   relu mu2 pi / (mu2 pi - 1)
//
// Source: derived here; Yang, Pennington, Rao, Sohl-Dickstein & Schoenholz (2019), A mean field
// theory of batch normalization, ICLR (relu without noise, pi / (pi - 1)); Yang & Schoenholz
// (2017), Mean field residual networks, NIPS 30.
#pragma once

#include <cstddef>
#include <optional>

#include "scalemix/signal/maps.h"

namespace scalemix::inline v0::signal {

/// Growth of squared gradients over `depth` residual blocks of a piecewise linear activation (also
/// of variances, without bias). Empty for other activations, whose growth depends on q. May be
/// infinite.
std::optional<double> residual_growth(const Network& net, double depth);

/// The branch scale a with growth G over `depth` blocks, a^2 = (G^(1/depth) - 1) / (sigma_w2 mu2
/// (1 + s^2) / 2), s the activation's slope at negative inputs. Activations with a bounded slope
/// grow by no more if max |phi'| = 1 and they are given s = 1. Empty if sigma_w2 is 0 or mu2
/// infinite. Throws std::domain_error unless depth > 0 and growth >= 1, both finite.
std::optional<double> branch_scale(const Network& net, double depth, double growth);

/// The dense fan-in that a convolution has: kernel * kernel * channels.
std::size_t conv_fan_in(std::size_t kernel, std::size_t channels);

/// Growth of squared gradients a layer, backwards, under batch normalisation with batch >> 1; for
/// infinite mu2 its limit E phi'^2 / E phi^2. Depth scale: 1 / ln growth.
double batch_norm_growth(const Activation& activation, const NoiseMoments& noise);

}  // namespace scalemix::inline v0::signal
