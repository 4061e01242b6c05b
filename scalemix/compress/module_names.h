// Names of a state dict's modules: their order, and which layers they are said to be.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace scalemix::inline v0::compress {

/// "fc1=linear1,fc2=linear2": groups and their layers. Throws ConfigError for anything else.
std::map<std::string, std::string> read_names(std::string_view text);

/// Whether a stands before b where runs of digits count as numbers: layer2 before layer10.
bool natural_less(std::string_view a, std::string_view b);

}  // namespace scalemix::inline v0::compress
