// What signal propagation says of a network before it is trained: variance and correlation layer by
// layer, depth scales, and a verdict on its depth. `scalemix signal` prints it; `train` and
// `diagnose` warn from it.
//
// A stack of layers alike is taken from its numbers. A spec is walked layer by layer:
//
//   linear, conv2d   variance E w^2 of the plan times fan-in; a posterior adds noise of mu2 = 1 +
//                    alpha; dropconnect, one draw for all rows of a step, only makes weights larger
//   noise            unit, channel and layer alike: mu2 for one input, none between inputs
//   residual         shortcut plus branch; gradients grow by shortcut + product of the branch
//   batch_norm       q = 1 behind it; gradients grow by batch_norm_growth()
//   pools, flatten   taken to change nothing, which is said
//
// What the theory does not reach is left empty, with a note.
//
// The rules for depth are those of signal/depth_scale.h. Where layers differ they are read as sums:
// depth <= 6 xi_c becomes sum of 1 / xi_c <= 6, and xi_1 becomes depth / |sum of ln chi_1|.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/model/initial_weights.h"
#include "scalemix/model/spec.h"
#include "scalemix/signal/critical.h"
#include "scalemix/signal/pair_scatter.h"

namespace scalemix::inline v0::model {

/// One layer with weights, one residual block, or (number 0 of a stack) the input.
struct SignalLayer {
  std::string name, type;
  std::string activation = {}, noise = {};           // in front of the weights; empty: none
  std::optional<double> fan_in = {}, sigma_w2 = {};  // sigma_w2 = fan_in E w^2
  std::optional<double> q = {}, c = {};              // behind the layer
  std::optional<signal::Slopes> slopes = {};         // at the q and c in front of it
  std::optional<double> gradient = {};               // what squared gradients grow by, backwards
  std::vector<std::string> notes = {};  // what was assumed, what cannot be said and why

  std::optional<signal::DepthScales> scales() const;  // of the slopes
};

/// A rule for the depth and what it says of this network.
struct SignalRule {
  std::string name, validity;
  double layers;  // that it allows; may be infinite
  bool met;
};

enum class Reach {
  within,      // every rule that could be asked allows the depth
  beyond_one,  // one rule does, another does not
  beyond,      // none does, or the variance leaves float32
  unsaid       // no rule could be asked
};
std::string_view name(Reach reach);  // "within", "beyond_one", ...

struct SignalReport {
  std::vector<SignalLayer> layers;  // of a deep stack some: listed says how many there are
  std::size_t listed = 0;
  std::size_t depth = 0;  // layers that signals pass from hidden layer to hidden layer, or block

  // What all hidden layers have in common; empty where they differ.
  std::optional<signal::Network> network;
  std::optional<signal::Propagation> fixed;
  signal::Critical critical;
  signal::RangeDepth range;  // of float32

  std::vector<SignalRule> rules;
  Reach reach = Reach::unsaid;
  std::vector<std::string> verdict;  // sentences
};

/// `depth` hidden layers alike behind pre-activations of variance q0 and correlation c0.
struct SignalStack {
  signal::Network network;
  std::string law = {};  // "bernoulli:p=0.1"; empty: no noise
  std::size_t depth = 0;
  double q0 = 1, c0 = 0;
};
/// Throws std::domain_error for numbers out of range.
SignalReport signal_report(const SignalStack& stack);

/// Mean square of the input's numbers, and the correlation of two inputs.
struct SignalStart {
  double q0 = 1, c0 = 0;
};
/// `plan` as initial_weights() makes it for the spec.
SignalReport signal_report(const Spec& spec, const InitialPlan& plan,
                           const SignalStart& start = {});

/// What `train` should say before it starts: the verdict's sentences if the network is deeper than
/// every rule allows or its variance leaves float32; nothing otherwise.
std::vector<std::string> signal_warnings(const Spec& spec, const InitialPlan& plan);

/// The layers as a simulation runs them. Empty, with the reason, if the network is more than linear
/// layers, activations and unit noise.
struct SignalSimulation {
  std::optional<signal::SimulateOptions> options;
  std::string reason;
};
SignalSimulation simulation_of(const Spec& spec, const InitialPlan& plan,
                               const SignalStart& start = {});

nlohmann::ordered_json to_json(const SignalReport& report);

}  // namespace scalemix::inline v0::model
