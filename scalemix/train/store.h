// The numbers of a stack of replicas in training: one row each of values, gradients, state, the
// optimiser's arrays and scalars, and the noises' marks.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/engine/layout.h"
#include "scalemix/optim/rule.h"

namespace scalemix::inline v0::train {

struct Store {
  /// `rule` is a word of optim/rule.h.
  Store(const model::Spec& spec, std::string_view rule, std::size_t replicas);

  const engine::Layout layout;
  const optim::Rule& rule;
  const std::vector<double> own;  // parameters of the rule
  const std::size_t replicas;
  std::vector<float> values, gradients;      // (R, P)
  std::vector<float> state;                  // (R, Q)
  std::vector<std::vector<float>> arrays;    // of the rule, (R, P) each
  std::vector<std::vector<double>> scalars;  // of the rule, (R, T) each: one for every slot
  std::vector<float> marks;                  // of noises, (R, M); sized by the stepper

  float* values_of(std::size_t r) { return values.data() + r * layout.values(); }
  const float* values_of(std::size_t r) const { return values.data() + r * layout.values(); }
  float* gradients_of(std::size_t r) { return gradients.data() + r * layout.values(); }
  float* state_of(std::size_t r) { return state.data() + r * layout.state(); }
  const float* state_of(std::size_t r) const { return state.data() + r * layout.state(); }
  /// Numbers [from, from + count) of replica r, as the rule takes them.
  optim::Piece piece(std::size_t r, std::size_t from, std::size_t count, bool decays, double rate);
  /// What the rule keeps of replica r's tensor in a slot.
  optim::Scalars scalars_of(std::size_t r, std::size_t slot);
};

}  // namespace scalemix::inline v0::train
