// Weight decay from the length-scale of a Gaussian process, as Gal & Ghahramani's programs have it:
// beside the mean squared error of the standardised target they add, for the kernel W behind dropout
// of rate p,
//
//   l^2 (1 - p) / (2 N tau) |W|^2,   N training rows, noise of precision tau
//
// and nothing for biases. On our objective, which is tau s^2 / 2 times that error and what belongs to
// no weight (s the target's standard deviation), this is weight decay of
//
//   l^2 (1 - p) s^2 / (2 N)
//
// Their tau is in the target's own units, so s stays. (Of the derivation in the paper, where the
// error is halved and not standardised, l^2 (1 - p) / N would be left.)
//
// Source: Gal & Ghahramani (2016), Dropout as a Bayesian approximation; their experiments' net.py
#pragma once

#include <cstddef>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::train {

/// The coefficient of weight decay. Throws ConfigError unless all layers with weights stand behind
/// dropout of one rate (or all behind none).
double length_scale_decay(const model::Spec& spec, double length, double target_scale,
                          std::size_t rows);

}  // namespace scalemix::inline v0::train
