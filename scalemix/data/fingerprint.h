// Whether data is what it was: a short record of a data set's content, part by part.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// Numbers of rows and inputs, names, and a CRC-32 of each of the arrays and of the splits. Where the
/// data lies does not matter, nor what in its file is no content. For accidents: a change that is
/// meant to go unseen can.
nlohmann::json fingerprint(const Dataset& data);

/// What differs between two fingerprints, one phrase each: "1030 rows, were 1029", "inputs".
std::vector<std::string> differences(const nlohmann::json& was, const nlohmann::json& is);

}  // namespace scalemix::inline v0::data
