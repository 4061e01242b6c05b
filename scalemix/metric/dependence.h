// How far two numbers, such as the activations of two units, depend on each other. x, y (N).
#pragma once

#include <cstddef>
#include <span>

namespace scalemix::inline v0::metric {

/// Pearson's; 0 if one of them is constant. Throws std::invalid_argument for fewer than 2 pairs or unequal
/// lengths, std::domain_error for values that are not finite; so do the others.
double correlation(std::span<const double> x, std::span<const double> y);

/// Mutual information, nats, by a histogram with `bins` by `bins` cells that hold equally many x and equally
/// many y, less its bias (Miller 1955): cells occupied beyond those of the margins, over 2 N. bins = 0:
/// N^(1/3), at least 2 and at most 64. Values that occur often, such as the zeros of a ReLU, share a bin.
double histogram_information(std::span<const double> x, std::span<const double> y,
                             std::size_t bins = 0);

/// Mutual information, nats, by distances to the `neighbours`-th nearest pair in the largest of both
/// coordinates. For continuous numbers: equal values, such as zeros, make it too large.
/// Source: Kraskov, Stoegbauer & Grassberger (2004), Physical Review E 69, equation 8. Throws
/// std::invalid_argument for neighbours outside [1, N).
double neighbour_information(std::span<const double> x, std::span<const double> y,
                             std::size_t neighbours = 4);

}  // namespace scalemix::inline v0::metric
