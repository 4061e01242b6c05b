// Update rules: how a step changes a weight, one row and one file each. A rule works on pieces of the
// flat storage; what it keeps between steps are arrays beside it, one number per weight each, which
// start at 0 and are saved by name. A rule may look at each tensor as a whole first: it keeps numbers
// for a tensor too, and scales the tensor's gradient before the piecewise pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"

namespace scalemix::inline v0::optim {

inline constexpr std::size_t kMostArrays = 2, kMostScalars = 1;

/// How far a step goes.
struct Rate {
  double lr = 0;
  double decay = 0;                  // coefficient of weight decay, for numbers that decay
  std::span<const double> own = {};  // of the rule's parameters; empty: their defaults
};

/// Numbers that lie side by side and are updated alike.
struct Piece {
  std::size_t count = 0;
  const float* g = nullptr;                  // gradients
  float* w = nullptr;                        // values
  std::array<float*, kMostArrays> arrays{};  // the rule's own
  bool decays = false;
  double rate = 1;  // factor on the learning rate
  float scale = 1;  // of the gradient (clipping, reduce)

  /// `n` numbers from number `from` on.
  Piece part(std::size_t from, std::size_t n) const;
};

/// The numbers that a rule keeps for a tensor.
using Scalars = std::array<double*, kMostScalars>;

struct Rule {
  std::string_view name, summary, source;
  double lr;  // by default
  std::vector<Parameter> parameters;
  std::vector<std::string_view> arrays;  // names of its own numbers
  /// `step` counts from 1. Elementwise, so a piece may be cut.
  void (*update)(const Rate&, std::uint64_t step, const Piece&);
  std::vector<std::string_view> scalars = {};  // names of its numbers for each tensor
  /// Called for a tensor before its update with the sum of its gradient's squares, after clipping.
  /// Returns what the gradient is multiplied by in this step; 0: the tensor and all that is kept for
  /// it stay as they are. Null: the rule takes a number for itself.
  double (*reduce)(double squares, std::span<const double> own, const Scalars&) = nullptr;
};

const std::vector<Rule>& rules();

/// The row of a word, "sgd:momentum=0.9", or of a name. Throws ConfigError for an unknown name, with
/// the nearest known.
const Rule& rule(std::string_view word);
/// The parameters that the word sets, in the row's order. Throws as words do.
std::vector<double> rule_values(std::string_view word);

/// A parameter of a rule at a rate.
inline double own(const Rate& rate, const std::vector<Parameter>& parameters, std::size_t i) {
  return i < rate.own.size() ? rate.own[i] : parameters[i].value;
}

// One maker per rule, each in the file of its name.
Rule adam();
Rule adamw();
Rule novograd();
Rule rmsprop();
Rule sgd();

}  // namespace scalemix::inline v0::optim
