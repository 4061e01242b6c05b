// What is in a data set, in numbers: `scalemix data describe`.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// One encoded column, the target, or all pixels of a set of images. Statistics are over the
/// numbers that are there; `sd` divides by their count. All are 0 if there is none.
struct ColumnSummary {
  std::string name;
  std::size_t missing = 0, distinct = 0;
  double mean = 0, sd = 0, min = 0, median = 0, max = 0;
};

struct ClassSummary {
  std::string name;
  std::size_t rows = 0;
};

struct Description {
  std::string name;
  Task task = Task::regression;
  std::size_t rows = 0, splits = 0;
  std::vector<std::size_t> shape;
  std::vector<ColumnSummary> columns;  // (K); images: one for all pixels
  std::vector<ColumnSummary> target;   // regression: one
  std::vector<ClassSummary> classes;   // classification
  std::vector<std::string>
      notes;  // constant columns, missing cells, repeated rows, what the reader did
};

Description describe(const Dataset& data);

nlohmann::json to_json(const Description& description);

/// A table for people; ends with a newline.
std::string to_text(const Description& description);

}  // namespace scalemix::inline v0::data
