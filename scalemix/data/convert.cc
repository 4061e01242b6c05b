#include "scalemix/data/convert.h"

#include <fmt/format.h>

#include <cmath>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/csv_cell.h"
#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/npy.h"

namespace scalemix::inline v0::data {
namespace {

std::string column_name(const Dataset& data, std::size_t j) {
  return j < data.features.size() ? data.features[j] : fmt::format("x{}", j);
}

/// An .npz holds floats: numbers that need an origin would not survive.
void check_npz(const Dataset& data) {
  const bool far = data.target_origin != 0 || !data.origin.empty();
  if (!far) return;
  std::string name = data.target;
  for (std::size_t j = 0; j < data.origin.size(); ++j) {
    if (data.origin[j] != 0) name = column_name(data, j);
  }
  throw ConfigError(
      fmt::format("column '{}' has numbers that would become fewer in the floats of an .npz; write "
                  "a .csv or .tsv",
                  name));
}

std::string to_npz(const Dataset& data) {
  check_npz(data);
  Array x{{data.rows()}, false, data.x}, y{{data.rows()}, false, data.y};
  x.shape.insert(x.shape.end(), data.shape.begin(), data.shape.end());
  y.integer = data.task == Task::classification;
  for (const std::int32_t label : data.label) y.values.push_back(static_cast<float>(label));
  return format_npz({{"x", std::move(x)}, {"y", std::move(y)}});
}

}  // namespace

std::string to_csv(const Dataset& data, char separator) {
  const std::size_t k = data.width();
  std::string text;
  for (std::size_t j = 0; j < k; ++j) text += csv_cell(column_name(data, j), separator) + separator;
  text += csv_cell(data.target.empty() ? "target" : data.target, separator) + '\n';
  for (std::size_t i = 0; i < data.rows(); ++i) {
    for (std::size_t j = 0; j < k; ++j) {
      const std::size_t at = i * k + j;
      if (std::isnan(data.x[at])) {
        text += separator;
        continue;
      }
      // The shortest text of the double, so that the numbers of a table are written as they were.
      if (!data.exact_x.empty()) {
        fmt::format_to(std::back_inserter(text), "{}", data.exact_x[at]);
      } else if (!data.origin.empty()) {
        fmt::format_to(std::back_inserter(text), "{}", data.x[at] + data.origin[j]);
      } else {
        fmt::format_to(std::back_inserter(text), "{}", data.x[at]);
      }
      text += separator;
    }
    if (data.task == Task::regression) {
      if (!data.exact_y.empty()) {
        fmt::format_to(std::back_inserter(text), "{}", data.exact_y[i]);
      } else if (data.target_origin != 0) {
        fmt::format_to(std::back_inserter(text), "{}", data.y[i] + data.target_origin);
      } else {
        fmt::format_to(std::back_inserter(text), "{}", data.y[i]);
      }
    } else {
      text += csv_cell(data.classes[static_cast<std::size_t>(data.label[i])], separator);
    }
    text += '\n';
  }
  return text;
}

void convert(const Dataset& data, const std::string& path) {
  const std::string end = ending(path);
  std::string bytes;
  if (end == "csv" || end == "tsv") {
    bytes = to_csv(data, end == "csv" ? ',' : '\t');
  } else if (end == "npz") {
    bytes = to_npz(data);
  } else {
    throw ConfigError("cannot write '" + path +
                      "': expected a name that ends in .csv, .tsv or .npz");
  }
  write_atomically(path, path.ends_with(".gz") ? gzip(bytes) : bytes);
}

}  // namespace scalemix::inline v0::data
