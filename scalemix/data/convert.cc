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

std::string to_npz(const Dataset& data) {
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
      const float value = data.x[i * k + j];
      if (!std::isnan(value)) fmt::format_to(std::back_inserter(text), "{}", value);
      text += separator;
    }
    if (data.task == Task::regression) {
      fmt::format_to(std::back_inserter(text), "{}", data.y[i]);
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
