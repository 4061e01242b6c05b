#include "scalemix/data/numbers.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/file_kind.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/registry.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {
namespace {

double number_at(const Table& table, std::size_t row, std::size_t column) {
  double value = 0;
  const Cell cell = table.read(row, column, value);
  if (cell == Cell::number || (cell == Cell::too_large && std::isfinite(value))) return value;
  const char* what = cell == Cell::missing ? "a value is missing"
                     : cell == Cell::text  ? "expected a number"
                                           : "expected a finite number";
  const auto foreign = looks_foreign(table.cell(row, column), table.notation());
  throw DataError(
      table.file(), table.line(row), column + 1,
      fmt::format(
          "{} in column '{}', got '{}'{}", what, table.names()[column], table.cell(row, column),
          foreign ? fmt::format(", which looks like {}; {}", foreign->looks, foreign->advice)
                  : ""));
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

Numbers of_npy(const std::string& bytes, const std::string& path) {
  DoubleArray array = parse_npy_double(bytes, path);
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

Numbers of_floats(const std::string& name, std::size_t rows, const std::vector<float>& x) {
  const std::size_t width = x.size() / rows;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isfinite(x[i])) continue;
    throw DataError(name, 0, i % width + 1,
                    fmt::format("a value is missing in row {}", i / width + 1));
  }
  return {name, rows, width, {x.begin(), x.end()}};
}

}  // namespace

Numbers read_numbers(const std::string& what, const OpenOptions& options) {
  // A named set, a folder, a word that is neither: open() knows. Anything else is read once and as it
  // is, so that a pipe is as good as a file.
  const bool file = what == "-" || (!find_set(what) && std::filesystem::exists(what) &&
                                    !std::filesystem::is_directory(what));
  if (!file || ending(what) == "bin") {
    const Dataset data = open(what, options);
    return of_floats(data.name, data.rows(), data.x);
  }
  std::string bytes = read_bytes(what);
  const std::string name = what == "-" ? "standard input" : what;
  switch (kind_of(bytes, what)) {
    case FileKind::table:
      return of_table(parse_table(std::move(bytes), name, table_options(options)));
    case FileKind::npy:
      return of_npy(bytes, name);
    default:
      break;
  }
  const Arrays arrays = arrays_of(bytes, name);
  input_shape(arrays);
  return of_floats(name, arrays.x.rows(), arrays.x.values);
}

}  // namespace scalemix::inline v0::data
