#include "scalemix/data/array.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/name_list.h"
#include "scalemix/data/category.h"
#include "scalemix/data/census.h"
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

/// Origins of the columns that float would round too much.
void find_origins(const Arrays& arrays, Schema& schema) {
  const std::size_t columns = schema.table_columns;
  const auto learn = [&](Column& column) {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    bool rounds = false;
    for (std::size_t i = column.position; i < arrays.wide.size(); i += columns) {
      const double value = arrays.wide[i];
      if (!std::isfinite(value)) continue;
      low = std::min(low, value), high = std::max(high, value);
      rounds |= static_cast<double>(static_cast<float>(value)) != value;
    }
    if (rounds) column.origin = origin_of(low, high, rounds);
  };
  learn(schema.target);
  for (Column& column : schema.inputs) learn(column);
}

void note_rounded(const Arrays& arrays, const std::vector<double>& origin, Dataset& data);

/// A table of numbers in one array: inputs and target are its columns.
Dataset dataset_of_table(const Arrays& arrays, const OpenOptions& options) {
  const std::size_t columns = arrays.x.shape[1];
  if (columns < 2)
    throw DataError(arrays.file, 0, 0, "expected inputs and a target, got one column");
  Schema schema = numeric_schema(columns, target_column(arrays.file, columns, options.target));
  find_origins(arrays, schema);
  const Encoded rows = encode(arrays, schema, {Target::required, false});
  Dataset data;
  data.shape = {columns - 1};
  data.x = rows.x;
  data.features = schema.features();
  data.origin = schema.origins();
  data.target_origin = schema.target.origin;
  data.target = schema.target.name;
  data.task = options.task.value_or(Task::regression);
  if (data.task == Task::regression) {
    data.y = rows.y;
  } else {
    if (schema.target.origin != 0) {
      throw DataError(arrays.file, 0, schema.target.position + 1,
                      "the target's numbers are too large for classes");
    }
    classify(rows.y, arrays.file, data);
    schema.target.categorical = true;
    schema.target.categories = data.classes;
  }
  data.schema = to_text(schema);
  std::vector<double> origins(columns, 0);
  origins[schema.target.position] = schema.target.origin;
  for (const Column& column : schema.inputs) origins[column.position] = column.origin;
  note_rounded(arrays, origins, data);
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

/// Images of (N, H, W, C), which are read as (N, C, H, W).
void note_channels_last(const Arrays& arrays, Dataset& data) {
  const auto& s = arrays.x.shape;
  const auto colours = [](std::size_t n) { return n == 1 || n == 3 || n == 4; };
  if (s.size() != 4 || !colours(s[3]) || colours(s[1]) || s[1] < s[3]) return;
  data.notes.push_back(
      fmt::format("images of shape ({0}, {1}, {2}) are taken as {0} channels of {1} x {2}; if the "
                  "channels are last, write np.moveaxis(x, 3, 1)",
                  s[1], s[2], s[3]));
}

/// Columns of doubles that become fewer numbers in float, each less its origin (K, or empty).
void note_rounded(const Arrays& arrays, const std::vector<double>& origin, Dataset& data) {
  constexpr std::size_t kMost = 100000;  // numbers of a column that are looked at
  std::vector<std::string> columns;
  const std::size_t k = arrays.wide.empty() ? 0 : arrays.x.shape[1];
  for (std::size_t j = 0; j < k; ++j) {
    std::vector<double> exact;
    bool rounds = false;
    for (std::size_t i = j; i < arrays.wide.size() && exact.size() < kMost; i += k) {
      if (!std::isfinite(arrays.wide[i])) continue;
      exact.push_back(arrays.wide[i] - (origin.empty() ? 0 : origin[j]));
      rounds |= static_cast<double>(static_cast<float>(exact.back())) != exact.back();
    }
    if (!rounds) continue;
    std::vector<float> rounded(exact.begin(), exact.end());
    std::sort(exact.begin(), exact.end());
    std::sort(rounded.begin(), rounded.end());
    const auto numbers = std::unique(exact.begin(), exact.end()) - exact.begin();
    const auto left = std::unique(rounded.begin(), rounded.end()) - rounded.begin();
    if (left < numbers) columns.push_back(std::to_string(j + 1));
  }
  if (columns.empty()) return;
  data.notes.push_back(
      fmt::format("columns whose different numbers become fewer in float: {}", name_list(columns)));
}

/// Classes of answers that are texts.
void classify(const Arrays& arrays, const OpenOptions& options, Dataset& data) {
  if (options.task == Task::regression) {
    throw DataError(arrays.file, 0, 0, "the answers are texts: expected numbers");
  }
  data.task = Task::classification;
  std::set<std::string> keys;
  for (const std::string& text : arrays.texts) {
    if (keys.insert(category_key(text)).second) data.classes.push_back(text);
  }
  if (data.classes.size() < 2) {
    throw DataError(arrays.file, 0, 0, "the answers have one class only");
  }
  sort_categories(data.classes);
  const CategoryIndex classes(data.classes);
  for (const std::string& text : arrays.texts) data.label.push_back(classes.find(text));
}

/// A single .npy: doubles are kept where its columns are those of a table.
Arrays inputs_of(std::string_view bytes, const std::string& path) {
  DoubleArray wide = parse_npy_double(bytes, path);
  if (wide.shape.size() != 2) return {path, parse_npy(bytes, path), std::nullopt};
  Arrays out{path, {wide.shape, false, {}}, std::nullopt};
  out.x.values.reserve(wide.values.size());
  for (const double value : wide.values) {
    const auto rounded = static_cast<float>(value);
    if (std::isfinite(value) && !std::isfinite(rounded)) {
      throw DataError(
          path, 0, 0,
          fmt::format("NumPy array: the number {} is beyond the range of float", value));
    }
    out.x.values.push_back(rounded);
  }
  out.wide = std::move(wide.values);
  return out;
}

}  // namespace

Arrays arrays_of(std::string_view bytes, const std::string& path) {
  if (bytes.starts_with("PK")) return arrays_of_npz(bytes, path);
  if (bytes.starts_with("\x93NUMPY")) return inputs_of(bytes, path);
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
  if (!arrays.answered() && shape.size() == 1) return dataset_of_table(arrays, options);
  if (!arrays.answered())
    throw DataError(arrays.file, 0, 0,
                    "there are images and no answers; put both into an .npz as x and y");
  if (arrays.y) check_answers(arrays);
  Dataset data;
  data.shape = shape;
  data.x = arrays.x.values;
  data.target = "y";
  note_channels_last(arrays, data);
  note_rounded(arrays, {}, data);
  for (std::size_t j = 0; shape.size() == 1 && j < shape[0]; ++j)
    data.features.push_back(std::to_string(j + 1));
  if (!arrays.y) {
    classify(arrays, options, data);
    return data;
  }
  data.task = options.task.value_or(arrays.y->integer ? Task::classification : Task::regression);
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
    const double* wide = arrays.wide.empty() ? nullptr : arrays.wide.data() + i * columns;
    const auto value = [&](std::size_t j, double origin) {
      return wide ? static_cast<float>(wide[j] - origin)
                  : static_cast<float>(double{row[j]} - origin);
    };
    for (const Column& column : schema.inputs) {
      out.x.push_back(
          value(column.position - (without_target && column.position > target), column.origin));
    }
    if (!out.labelled) continue;
    if (schema.target.categorical) {
      out.label.push_back(classes.find(fmt::format("{}", row[target])));
    } else {
      out.y.push_back(value(target, schema.target.origin));
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
