// Laws and critical initialisation by their words, for callers that have the ops alone: Python.
#pragma once

#include <string>
#include <tuple>
#include <vector>

namespace scalemix::inline v0::op {

/// sigma_w^2, the variance of a weight times its fan-in, that is critical (signal/critical.h) for
/// an activation ("relu", "leaky_relu:slope=0.1") under multiplicative noise of a law
/// ("bernoulli:p=0.5"; "none": without). Throws ConfigError for an unknown word, std::domain_error,
/// with the reason, where there is no critical initialisation.
double critical_variance(const std::string& activation, const std::string& law);

/// (name, native parameters in order, what stands for the multiplier in a deterministic pass, mean)
/// of "gaussian:alpha=0.25". Throws as law::AnyLaw::parse does.
std::tuple<std::string, std::vector<double>, double, double> read_law(const std::string& law);

}  // namespace scalemix::inline v0::op
