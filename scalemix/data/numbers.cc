#include "scalemix/data/numbers.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {
namespace {

double number_at(const Table& table, std::size_t row, std::size_t column) {
  double value = 0;
  const Cell cell = read_cell(table.cell(row, column), value);
  if (cell == Cell::number || (cell == Cell::too_large && std::isfinite(value))) return value;
  const char* what = cell == Cell::missing ? "a value is missing"
                     : cell == Cell::text  ? "expected a number"
                                           : "expected a finite number";
  throw DataError(table.file(), table.line(row), column + 1,
                  fmt::format("{} in column '{}', got '{}'", what, table.names()[column],
                              table.cell(row, column)));
}

Numbers of_table(const Table& table) {
  Numbers out{table.file(), table.rows(), table.columns(), {}};
  if (out.rows == 0) throw DataError(table.file(), 0, 0, "there are no rows");
  out.values.reserve(out.rows * out.columns);
  for (std::size_t i = 0; i < out.rows; ++i) {
    for (std::size_t j = 0; j < out.columns; ++j) out.values.push_back(number_at(table, i, j));
  }
  return out;
}

Numbers of_npy(const std::string& path) {
  DoubleArray array = parse_npy_double(read_bytes(path), path);
  if (array.shape.size() < 2 || array.values.empty()) {
    throw DataError(path, 0, 0, "expected an array of at least one row and two axes");
  }
  const std::size_t rows = array.shape[0], columns = array.values.size() / rows;
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    if (std::isfinite(array.values[i])) continue;
    throw DataError(
        path, 0, i % columns + 1,
        fmt::format("row {} holds {}, expected a finite number", i / columns + 1, array.values[i]));
  }
  return {path, rows, columns, std::move(array.values)};
}

Numbers of_dataset(const std::string& what, const OpenOptions& options) {
  const Dataset data = open(what, options);
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    if (std::isfinite(data.x[i])) continue;
    throw DataError(data.name, 0, i % data.width() + 1,
                    fmt::format("a value is missing in row {}", i / data.width() + 1));
  }
  return {data.name, data.rows(), data.width(), {data.x.begin(), data.x.end()}};
}

}  // namespace

Numbers read_numbers(const std::string& what, const OpenOptions& options) {
  if (what == "-") return of_table(read_table(what, {options.header, 0}));
  const std::string end = ending(what);
  if (!std::filesystem::is_regular_file(what)) return of_dataset(what, options);
  if (end == "npy") return of_npy(what);
  if (end == "npz" || end == "bin" || is_idx_name(what)) return of_dataset(what, options);
  return of_table(read_table(what, {options.header, 0}));
}

}  // namespace scalemix::inline v0::data
