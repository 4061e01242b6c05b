// A network from another program, as a model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scalemix/base/task.h"
#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

struct ImportOptions {
  std::optional<Task> task = {};          // else as the file says
  std::vector<std::string> classes = {};  // names of the outputs; else as the file says, or numbers
  model::Shape input = {};                // of a row, where the file leaves it open
};

struct Imported {
  model::Model model;
  std::vector<std::string> notes;  // what was decided, and dropped, for people
};

/// What every model holds beside what was read: names of layers, and for a regression the precision 1 of
/// standardised targets in "output.log_precision" where there is none. Throws std::invalid_argument as
/// model::check_model does.
void complete(model::Model& model);

}  // namespace scalemix::inline v0::compress
