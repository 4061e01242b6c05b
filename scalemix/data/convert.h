// A data set written to a file: `scalemix data convert` and `scalemix data generate`.
#pragma once

#include <string>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// Writes by the name's ending, atomically: .csv or .tsv (a header, the encoded columns, the target
/// last; numbers with the fewest digits that read back the same; missing cells empty) or .npz
/// (arrays `x`, in the inputs' shape, and `y`; `classes` are numbers there). Throws ConfigError for
/// another ending, FileError.
void convert(const Dataset& data, const std::string& path);

/// The text of the .csv (separator ',') or .tsv ('\t').
std::string to_csv(const Dataset& data, char separator = ',');

}  // namespace scalemix::inline v0::data
