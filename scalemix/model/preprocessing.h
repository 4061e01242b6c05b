// Preprocessing as JSON, and what it must satisfy beside a spec.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::model {

nlohmann::json to_json(const Preprocessing& preprocessing);

/// Throws std::invalid_argument with the key for a missing, unknown or ill-typed one.
Preprocessing preprocessing_from_json(const nlohmann::json& json);

/// Throws std::invalid_argument: mean and scale (K) or empty, finite, scales positive; class names
/// none or one an output; column names none or K.
void check_preprocessing(const Preprocessing& preprocessing, const Spec& spec);

/// Throws std::invalid_argument, in the name of `who`, of a model with an origin: it cannot be run where
/// inputs and answers are floats in the user's units.
void refuse_origin(const Preprocessing& preprocessing, const std::string& who);

}  // namespace scalemix::inline v0::model
