// The names a user may type, from the tables of the rooms that own them: for `list` and for
// completion.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::cli {

/// One kind of name, and a way to list its rows: objects with "name", "summary", "source" (empty
/// where there is none) and what else the kind has. "parameters" are objects with "name",
/// "default" (null for one that is left out unless it is given) and "meaning".
struct NameTable {
  std::string_view kind;  // "laws"
  nlohmann::ordered_json (*rows)();
};

/// laws, priors, methods, activations, architectures, optimisers, data, layers, reproduce, commands.
const std::vector<NameTable>& name_tables();

/// The names alone. Throws std::invalid_argument for a kind that is not there.
std::vector<std::string> names_of(std::string_view kind);

}  // namespace scalemix::inline v0::cli
