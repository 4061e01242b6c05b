// Methods: named ways of making a plain architecture noisy, spec to spec. One table.
//
//   none                        nothing
//   LAW[:parameters][,input=V]  any law of law/ at the unit site: on the input of every weight layer
//                               but the first; `input=V` puts it on the network's input too, with V
//                               for its first parameter (bernoulli:p=0.5,input=0.2)
//   additive:LAW[:parameters]   the same places, x + z
//   spatial:[LAW:]parameters    one draw per channel, after each convolution's activation (bernoulli
//                               by default)
//   dropconnect:[LAW:]...       one draw per weight and step
//   stochastic_depth:p=0.5      one draw per residual branch and row, rates growing linearly with
//                               depth to p
//   KIND[:parameters]           a kind of noise that takes no law (noise.h), on every layer with
//                               weights: svdo:threshold=3
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

struct MethodRow {
  std::string_view name;
  std::string_view summary;
  std::string_view source;
  std::vector<scalemix::Parameter> parameters;
  std::function<void(Spec&, std::string_view argument)> decorate;
  std::string_view site = {};  // what is multiplied: "unit", "weight"; empty: nothing is
  std::string_view kind = {};  // of noise (noise.h) that it puts there; empty: none
};

/// The table, the laws' rows included.
const std::vector<MethodRow>& methods();

/// What a method can do, read off its kind of noise.
struct MethodTraits {
  std::string_view learns = {};  // "a rate per layer"; empty: nothing
  bool prunes = false;           // switches off weights, at some settings at least
  bool penalty = false;          // adds a divergence to the objective
  bool draws = false;            // predictions may draw
  bool remembers = false;        // has state from step to step
};
MethodTraits traits_of(const MethodRow& row);

/// Applies the method that `word` names: decorates, numbers, validates, and notes the canonical
/// word in spec.methods. Throws ConfigError for an unknown name or key (with the nearest known),
/// std::domain_error for a value out of range, std::invalid_argument where the architecture has no
/// such site (stochastic_depth without residual blocks).
void apply_method(Spec& spec, std::string_view word);

}  // namespace scalemix::inline v0::model
