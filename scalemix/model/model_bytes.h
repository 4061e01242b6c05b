// A model file that lies in memory, as a program has it that carries its model inside or receives it.
#pragma once

#include <string>
#include <string_view>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::model {

/// As load_model and read_safetensors of a file with these bytes; messages call it `name`. Throw
/// DataError.
Model parse_model(std::string_view bytes, const std::string& name);
Container parse_safetensors(std::string_view bytes, const std::string& name);

}  // namespace scalemix::inline v0::model
