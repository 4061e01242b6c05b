// Methods of layers with weights, for the table in method.cc.
#pragma once

#include <functional>
#include <string_view>

#include "scalemix/model/method.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {

/// Calls f for every layer with weights; how many there are. Throws std::invalid_argument if there is
/// none, or if one draws noise already.
std::size_t for_each_weight_layer(Spec& spec, std::string_view method,
                                  const std::function<void(Layer&)>& f);

/// What a kind of noise multiplies, in a word.
std::string_view site_of(const NoiseKind& kind);

/// A kind of noise, with its parameters, on every layer with weights.
void on_weights(const NoiseKind& kind, Spec& spec, std::string_view argument);

/// A kind of noise on every layer with weights, under its own name.
MethodRow weights_row(const NoiseKind& kind);

/// gsm with the scales of `group` on all layers with weights but the first and the last, which have one
/// for each input.
MethodRow structured_row(std::string_view name, std::string_view group, std::string_view summary);

/// A kind that takes a prior, on every layer with weights, beside whatever draws there.
MethodRow prior_row(const NoiseKind& kind);

}  // namespace scalemix::inline v0::model
