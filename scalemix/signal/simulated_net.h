// One random network of a simulation, and what is kept of it.
#pragma once

#include <cstdint>
#include <vector>

#include "scalemix/signal/simulate.h"

namespace scalemix::inline v0::signal {

struct NetRecord {
  struct Forward {
    double q1 = 0, q2 = 0, covariance = 0;  // means over pairs and units
    std::size_t overflowed = 0, underflowed = 0;
  };
  struct Gradient {
    double same = 0, cross = 0, absolute = 0;
  };
  std::vector<Forward> layers;
  std::vector<double> log_q;  // (depth + 1, 2 pairs), infinite where a row overflowed or is 0
  std::vector<Gradient> gradients;
};

/// Net number `net` of the options, which have been checked.
NetRecord run_net(const SimulateOptions& options, std::uint32_t net);

}  // namespace scalemix::inline v0::signal
