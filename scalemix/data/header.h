// Whether a table's first row names its columns.
#pragma once

#include <string>

#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {

struct HeaderGuess {
  bool header = false;
  std::string note;  // for the user, where it could be otherwise; else empty
};

/// From the first hundred rows of a table read without a header; read_table's rule.
HeaderGuess guess_header(const Table& table);

}  // namespace scalemix::inline v0::data
