// From depth scales to rules, a verdict and advice.
#pragma once

#include "scalemix/model/signal_report.h"

namespace scalemix::inline v0::model {

/// What the rules are asked about.
struct SignalLoad {
  std::optional<double> correlation = {};  // sum of 1 / xi_c; empty: cannot be said
  std::optional<double> gradient = {};     // sum of ln chi_1; empty: cannot be said
  bool residual = false, normalised = false;
  std::string law = {};  // of the noise, where all layers have the same; for advice
  std::string why = {};  // there is no load
};

/// Fills rules, reach and verdict of a report that has everything else.
void judge(const SignalLoad& load, SignalReport& report);

}  // namespace scalemix::inline v0::model
