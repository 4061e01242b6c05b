// What training switched off: inputs that no unit takes any weight from, and residual blocks that add
// the same numbers to every row. A weight is off where the row of its noise says so: below gsm's share
// `off`, above svdo's threshold.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::study {

struct SwitchedOff {
  std::vector<std::string> inputs;  // of a table: column names, "input 3" where it has none
  std::size_t all_inputs = 0;
  std::vector<std::string> blocks;
  std::size_t all_blocks = 0;

  bool any() const { return !inputs.empty() || !blocks.empty(); }
};

SwitchedOff switched_off(const model::Model& model);

/// {"inputs": ["x6"], "of_inputs": 10, "blocks": [], "of_blocks": 0}
nlohmann::ordered_json to_json(const SwitchedOff& off);

/// "inputs x6, x7 (2 of 10); blocks block3 (1 of 4)"; empty where nothing is off.
std::string to_text(const SwitchedOff& off);

}  // namespace scalemix::inline v0::study
