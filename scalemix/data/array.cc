#include "scalemix/data/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/category.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/npy.h"

namespace scalemix::inline v0::data {
namespace {

constexpr float kMostClass = 1 << 24;  // whole numbers beyond are not exact in float

std::size_t target_column(const std::string& file, std::size_t columns, const std::string& wanted) {
  if (wanted.empty()) return columns - 1;
  for (std::size_t j = 0; j < columns; ++j) {
    if (std::to_string(j + 1) == wanted) return j;
  }
  throw DataError(file, 0, 0,
                  fmt::format("there is no target column '{}'; the array has columns 1 to {}",
                              wanted, columns));
}

void check_finite(const Arrays& arrays) {
  const auto& values = arrays.x.values;
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float v) { return std::isinf(v); });
  if (bad == values.end()) return;
  const std::size_t row =
      static_cast<std::size_t>(bad - values.begin()) / (values.size() / arrays.x.rows());
  throw DataError(arrays.file, 0, 0,
                  fmt::format("row {} of the inputs holds an infinite number", row + 1));
}

void check_answers(const Arrays& arrays) {
  const Array& y = *arrays.y;
  const bool one_each = y.values.size() == arrays.x.rows() && y.rows() == arrays.x.rows();
  if (!one_each) {
    throw DataError(arrays.file, 0, 0,
                    fmt::format("expected {} answers, one per row, got an array of shape ({})",
                                arrays.x.rows(), fmt::join(y.shape, ", ")));
  }
  for (std::size_t i = 0; i < y.values.size(); ++i) {
    if (!std::isfinite(y.values[i])) {
      throw DataError(arrays.file, 0, 0,
                      fmt::format("answer {} is not a finite number: {}", i + 1, y.values[i]));
    }
  }
}

/// A table of numbers in one array: inputs and target are its columns.
Dataset dataset_of_table(const Arrays& arrays, const OpenOptions& options) {
  const std::size_t columns = arrays.x.shape[1];
  if (columns < 2)
    throw DataError(arrays.file, 0, 0, "expected inputs and a target, got one column");
  Schema schema = numeric_schema(columns, target_column(arrays.file, columns, options.target));
  const Encoded rows = encode(arrays, schema, {Target::required, false});
  Dataset data;
  data.shape = {columns - 1};
  data.x = rows.x;
  data.features = schema.features();
  data.target = schema.target.name;
  data.task = options.task.value_or(Task::regression);
  if (data.task == Task::regression) {
    data.y = rows.y;
  } else {
    classify(rows.y, arrays.file, data);
    schema.target.categorical = true;
    schema.target.categories = data.classes;
  }
  data.schema = to_text(schema);
  return data;
}

/// Whether the target's column is left out of an array that the schema can code.
bool check_columns(const Arrays& arrays, const Schema& schema, Target target) {
  if (input_shape(arrays).size() != 1) {
    throw DataError(arrays.file, 0, 0, "expected an array of rows and columns, got images");
  }
  for (const Column& column : schema.inputs) {
    if (column.categorical) {
      throw DataError(
          arrays.file, 0, 0,
          "the model has the categorical column '" + column.name + "'; give a text table");
    }
  }
  const std::size_t columns = arrays.x.shape[1];
  const bool without_target = columns + 1 == schema.table_columns;
  if (!without_target && columns != schema.table_columns) {
    throw DataError(arrays.file, 0, 0,
                    fmt::format("expected {} columns, or {} without the target, got {}",
                                schema.table_columns, schema.table_columns - 1, columns));
  }
  if (without_target && target == Target::required) {
    throw DataError(arrays.file, 0, 0, "the target column is not there");
  }
  return without_target;
}

}  // namespace

Arrays read_arrays(const std::string& path) {
  const std::string bytes = read_bytes(path);
  if (bytes.starts_with("PK")) return arrays_of_npz(bytes, path);
  if (bytes.starts_with("\x93NUMPY")) return {path, parse_npy(bytes, path), std::nullopt};
  if (ending(path) == "npy" || ending(path) == "npz") {
    throw DataError(path, 0, 0, "is not a NumPy file: wrong magic");
  }
  return {path, parse_idx(bytes, path), std::nullopt};
}

std::vector<std::size_t> input_shape(const Arrays& arrays) {
  const auto& shape = arrays.x.shape;
  if (shape.size() < 2 || shape.size() > 4) {
    throw DataError(
        arrays.file, 0, 0,
        fmt::format("expected inputs of shape (N, K), (N, H, W) or (N, C, H, W), got ({})",
                    fmt::join(shape, ", ")));
  }
  if (arrays.x.values.empty()) {
    throw DataError(
        arrays.file, 0, 0,
        fmt::format("there is nothing in an array of shape ({})", fmt::join(shape, ", ")));
  }
  check_finite(arrays);
  std::vector<std::size_t> input(shape.begin() + 1, shape.end());
  if (input.size() == 2) input.insert(input.begin(), 1);
  return input;
}

Dataset dataset_of(const Arrays& arrays, const OpenOptions& options) {
  const std::vector<std::size_t> shape = input_shape(arrays);
  if (!arrays.y && shape.size() == 1) return dataset_of_table(arrays, options);
  if (!arrays.y)
    throw DataError(arrays.file, 0, 0,
                    "there are images and no answers; put both into an .npz as x and y");
  check_answers(arrays);
  Dataset data;
  data.shape = shape;
  data.x = arrays.x.values;
  data.target = "y";
  data.task = options.task.value_or(arrays.y->integer ? Task::classification : Task::regression);
  for (std::size_t j = 0; shape.size() == 1 && j < shape[0]; ++j)
    data.features.push_back(std::to_string(j + 1));
  if (data.task == Task::regression) {
    data.y = arrays.y->values;
  } else {
    classify(arrays.y->values, arrays.file, data);
  }
  return data;
}

Schema numeric_schema(std::size_t columns, std::size_t target) {
  Schema schema;
  schema.table_columns = columns;
  for (std::size_t j = 0; j < columns; ++j) {
    Column column{std::to_string(j + 1), j, false, {}};
    if (j == target) {
      schema.target = std::move(column);
    } else {
      schema.inputs.push_back(std::move(column));
    }
  }
  return schema;
}

Encoded encode(const Arrays& arrays, const Schema& schema, const EncodeOptions& options) {
  const bool without_target = check_columns(arrays, schema, options.target);
  const std::size_t rows = arrays.x.rows(), columns = arrays.x.shape[1];
  const std::size_t target = schema.target.position;
  const CategoryIndex classes(schema.target.categories);
  Encoded out;
  out.rows = rows;
  out.labelled = !without_target && options.target != Target::ignored;
  for (std::size_t i = 0; i < rows; ++i) {
    const float* row = arrays.x.values.data() + i * columns;
    for (const Column& column : schema.inputs) {
      out.x.push_back(row[column.position - (without_target && column.position > target)]);
    }
    if (!out.labelled) continue;
    if (schema.target.categorical) {
      out.label.push_back(classes.find(fmt::format("{}", row[target])));
    } else {
      out.y.push_back(row[target]);
    }
    if (!std::isfinite(row[target]) || (schema.target.categorical && out.label.back() < 0)) {
      throw DataError(
          arrays.file, 0, target + 1,
          fmt::format("row {}: {} is not an answer that the model knows", i + 1, row[target]));
    }
  }
  return out;
}

void classify(const std::vector<float>& y, const std::string& file, Dataset& data) {
  for (const float value : y) {
    if (!(value == std::floor(value) && std::abs(value) <= kMostClass)) {
      throw DataError(file, 0, 0,
                      fmt::format("expected whole numbers of at most {} as classes, got {}",
                                  kMostClass, value));
    }
  }
  const std::set<float> values(y.begin(), y.end());
  for (const float value : values) {
    data.classes.push_back(fmt::format("{}", static_cast<long long>(value)));
  }
  if (values.size() < 2) {
    throw DataError(
        file, 0, 0,
        fmt::format("the answers have one class only, '{}'", fmt::join(data.classes, "")));
  }
  const std::vector<float> sorted(values.begin(), values.end());
  for (const float value : y) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), value);
    data.label.push_back(static_cast<std::int32_t>(at - sorted.begin()));
  }
}

}  // namespace scalemix::inline v0::data
