// The random networks of Huang, Xu, Du, Zeng & Zhao (2020), Mean field theory for deep dropout
// networks, ECAI, and the moments of their gradients over networks.
//
//   linear sigma_w2 = 0.5, relu 1, tanh and hard_tanh 1.4; sigma_b2 = 0.1; inputs N(0, 1) without
//   dropout; loss |h^L|^2 of one input
#pragma once

#include "scalemix/cli/reproduce/common.h"

namespace scalemix::inline v0::cli::reproduce {

struct HuangSizes {
  std::size_t depth, width, nets, groups;  // nets in all; groups divides them
};

signal::SimulatedLayer huang_layer(const std::string& activation, double keep);

/// The networks in groups; a seed of its own for each case k.
std::vector<signal::Simulated> huang_groups(const signal::SimulatedLayer& layer,
                                            const HuangSizes& sizes, const Effort& effort,
                                            std::uint64_t k);

using Metric = signal::Estimate signal::SimulatedGradient::*;

/// Mean and variance over networks of a metric of layer l = 1 ... depth.
struct Moments {
  double mean, variance;
};
Moments moments(const std::vector<signal::Simulated>& groups, std::size_t l, Metric metric,
                std::optional<std::size_t> left_out);

std::string huang_note(const HuangSizes& sizes);

}  // namespace scalemix::inline v0::cli::reproduce
