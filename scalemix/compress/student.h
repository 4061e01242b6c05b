// A smaller network of the same kind.
#pragma once

#include <cstddef>
#include <string>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::compress {

/// "mlp:31-10": the hidden layers of a multilayer perceptron, all narrowed by one factor so that it has
/// as many weights as can be, at most `weights`; at least one unit each. Throws ConfigError for another
/// kind of network, and for fewer weights than one unit per layer has.
std::string student_of(const model::Spec& teacher, std::size_t weights);

}  // namespace scalemix::inline v0::compress
