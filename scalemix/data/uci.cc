#include "scalemix/data/uci.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

/// Whole numbers below `end`, one per line; an empty file gives none.
std::vector<std::uint32_t> read_indices(const std::string& path, std::size_t end) {
  std::vector<std::uint32_t> indices;
  const std::string text = read_bytes(path);
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return indices;
  const Table table = parse_table(text, path, {false, ' '});
  for (std::size_t i = 0; i < table.rows(); ++i) {
    double value = 0;
    const Cell cell = read_cell(table.cell(i, 0), value);
    if (cell != Cell::number || value < 0 || value >= static_cast<double>(end) ||
        value != std::floor(value)) {
      throw DataError(
          path, table.line(i), 1,
          fmt::format("expected a whole number from 0 to {}, got '{}'", end - 1, table.cell(i, 0)));
    }
    indices.push_back(static_cast<std::uint32_t>(value));
  }
  return indices;
}

std::vector<std::uint32_t> read_rows(const std::string& path, std::size_t rows) {
  std::vector<std::uint32_t> indices = read_indices(path, rows);
  if (indices.empty()) throw DataError(path, 0, 0, "the split has zero rows in this part");
  return indices;
}

Split read_split(const fs::path& folder, std::size_t number, std::size_t rows) {
  Split split;
  const std::string test = (folder / fmt::format("index_test_{}.txt", number)).string();
  split.train = read_rows((folder / fmt::format("index_train_{}.txt", number)).string(), rows);
  split.test = read_rows(test, rows);
  std::vector<bool> trained(rows, false);
  for (const std::uint32_t i : split.train) trained[i] = true;
  for (const std::uint32_t i : split.test) {
    if (trained[i])
      throw DataError(test, 0, 0, fmt::format("row {} is in training and in test", i));
  }
  return split;
}

Schema read_schema(const fs::path& folder, std::size_t columns) {
  const std::string features = (folder / "index_features.txt").string();
  const std::string target = (folder / "index_target.txt").string();
  Schema schema;
  schema.table_columns = columns;
  for (const std::uint32_t j : read_indices(features, columns)) {
    schema.inputs.push_back({std::to_string(j + 1), j, false, {}});
  }
  const auto targets = read_indices(target, columns);
  if (schema.inputs.empty()) throw DataError(features, 0, 0, "there are no feature columns");
  if (targets.size() != 1)
    throw DataError(target, 0, 0, fmt::format("expected one column, got {}", targets.size()));
  schema.target = {std::to_string(targets[0] + 1), targets[0], false, {}};
  return schema;
}

}  // namespace

Dataset open_uci(const std::string& folder) {
  const fs::path root(folder);
  const Table table = read_table((root / "data.txt").string(), {false, ' '});
  const Schema schema = read_schema(root, table.columns());
  Encoded rows = encode(table, schema, {Target::required, false});
  Dataset data;
  data.name = folder;
  data.shape = {schema.width()};
  data.x = std::move(rows.x);
  data.y = std::move(rows.y);
  data.features = schema.features();
  data.target = schema.target.name;
  data.schema = to_text(schema);
  const std::string splits = (root / "n_splits.txt").string();
  const auto count = read_indices(splits, 10000);
  if (count.size() != 1 || count[0] == 0)
    throw DataError(splits, 0, 0, "expected the number of splits");
  for (std::size_t k = 0; k < count[0]; ++k)
    data.splits.push_back(read_split(root, k, data.rows()));
  return data;
}

bool is_uci_folder(const std::string& folder) {
  return fs::exists(fs::path(folder) / "data.txt") &&
         fs::exists(fs::path(folder) / "index_features.txt");
}

}  // namespace scalemix::inline v0::data
