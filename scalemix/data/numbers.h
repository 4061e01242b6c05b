// Rows of plain numbers in double, with nothing to predict: what a kernel matrix is made of.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

struct Numbers {
  std::string name;
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;  // (rows, columns)
};

/// Reads a table ("-" for standard input; a file or a pipe) of which every column is an input, or an
/// .npy array whose first axis is the rows. Of an .npz the array x is read, in float; a named set or
/// a folder is opened as data::open does, its target set aside; its numbers are those floats. Throws DataError with line
/// and column for a cell that is missing, no number or not finite; else as data::open.
Numbers read_numbers(const std::string& what, const OpenOptions& options = {});

}  // namespace scalemix::inline v0::data
