// Reading a spec that leaves things open, beside the strict spec_from_json of spec.h.
//
// In an open spec `input`, `task` and `outputs` may be missing, a layer's `in`, a noise layer's
// `width`, and the `out` of the last linear layer: fill() sets them from the problem and the shapes
// that come.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

struct OpenSpec {
  Spec spec;  // what is missing is empty or 0
  std::optional<Task> task;
};

/// Throws std::invalid_argument as spec_from_json does; neither numbers nor validates.
OpenSpec open_spec_from_json(const nlohmann::json& json);

/// Sets `in` and `width` where they are 0 from the shape that comes, and `out` of a last linear
/// layer where it is 0 from spec.outputs. Throws std::invalid_argument where shapes do not fit.
void fill(Spec& spec);

std::string_view task_name(Task task);

}  // namespace scalemix::inline v0::model
