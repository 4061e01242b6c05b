// The walk over a spec that signal_report() takes: one row per layer with weights, one a residual
// block behind those of its branch and shortcut.
#pragma once

#include <optional>
#include <vector>

#include "scalemix/model/signal_report.h"

namespace scalemix::inline v0::model {

struct SignalRow {
  SignalLayer layer;
  std::optional<signal::Network> net;  // empty for a block
  bool first = false, last = false;
  bool inside = false;      // of a residual block
  bool normalised = false;  // batch normalisation stands behind it
};

/// Throws std::invalid_argument if the plan lacks a layer's weights.
std::vector<SignalRow> signal_rows(const Spec& spec, const InitialPlan& plan,
                                   const SignalStart& start);

}  // namespace scalemix::inline v0::model
