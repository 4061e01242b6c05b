// A model as one C file with its header: no dependency but the C library's mathematics, the weights
// inside, for a product or a controller without this toolkit.
//
//   void NAME_predict(const float *x, float *y, float *work);
//
// x: NAME_INPUTS numbers in the user's units, NaN where missing. y: NAME_OUTPUTS numbers, probabilities
// or means in the target's units. work: NAME_WORK floats of the caller's, so that calls on other memory
// may run at the same time. C99. Weights most of which are zero are stored without their zeros.
#pragma once

#include <string>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

struct CSource {
  std::string header, source;
};

/// `name` begins every name in the files. Throws ConfigError for a name that C does not take, and as
/// graph_of does.
CSource export_c(const model::Model& model, const std::string& name);

}  // namespace scalemix::inline v0::compress
