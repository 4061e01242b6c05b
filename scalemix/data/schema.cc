#include "scalemix/data/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/known.h"
#include "scalemix/base/parallel.h"
#include "scalemix/data/category.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kMostCategories = 1000;

/// Position of a column given by name or by number from 1.
std::size_t find_column(const Table& table, const std::string& wanted, const char* role) {
  const auto& names = table.names();
  const auto found = std::find(names.begin(), names.end(), wanted);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(wanted.data(), wanted.data() + wanted.size(), number);
  if (error == std::errc() && end == wanted.data() + wanted.size() && number >= 1 &&
      number <= table.columns()) {
    return number - 1;
  }
  throw DataError(table.file(), 0, 0, unknown(fmt::format("{} column", role), wanted, names));
}

/// What the cells of one column are.
struct Census {
  std::size_t numbers = 0, texts = 0;
  std::size_t first_text = 0;  // row
};

/// Of all columns for some rows: row by row is how the cells lie in memory.
std::vector<Census> count_cells(const Table& table, std::size_t first, std::size_t past) {
  std::vector<Census> columns(table.columns());
  double value;
  for (std::size_t i = first; i < past; ++i) {
    for (std::size_t j = 0; j < table.columns(); ++j) {
      Census& census = columns[j];
      switch (read_cell(table.cell(i, j), value)) {
        case Cell::missing:
          break;
        case Cell::text:
          if (census.texts++ == 0) census.first_text = i;
          break;
        default:
          ++census.numbers;
      }
    }
  }
  return columns;
}

std::vector<Census> count_cells(const Table& table) {
  constexpr std::size_t kRows = 4096;  // of a tile
  const std::size_t tiles = (table.rows() + kRows - 1) / kRows;
  std::vector<std::vector<Census>> parts(tiles);
  parallel_tiles(tiles, [&](std::size_t t) {
    parts[t] = count_cells(table, t * kRows, std::min(table.rows(), (t + 1) * kRows));
  });
  std::vector<Census> columns(table.columns());
  for (const auto& part : parts) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      if (columns[j].texts == 0) columns[j].first_text = part[j].first_text;
      columns[j].texts += part[j].texts;
      columns[j].numbers += part[j].numbers;
    }
  }
  return columns;
}

/// "12,5" is a number to its writer: as a category it would be a mistake that nobody sees.
void check_no_decimal_comma(const Table& table, std::size_t column, std::size_t row) {
  std::string text(table.cell(row, column));
  const std::size_t comma = text.find(',');
  if (comma == std::string::npos) return;
  text[comma] = '.';
  double value;
  if (read_cell(text, value) != Cell::number) return;
  throw DataError(table.file(), table.line(row), column + 1,
                  fmt::format("'{}' in column '{}' looks like a number with a decimal comma; write "
                              "decimal points, or name the column with --categorical",
                              table.cell(row, column), table.names()[column]));
}

void check_not_mixed(const Table& table, std::size_t column, const Census& census) {
  if (census.texts == 0) return;
  check_no_decimal_comma(table, column, census.first_text);
  if (census.numbers < census.texts) return;
  throw DataError(table.file(), table.line(census.first_text), column + 1,
                  fmt::format("expected a number in column '{}', got '{}'; if its values are "
                              "categories, name the column with --categorical",
                              table.names()[column], table.cell(census.first_text, column)));
}

std::vector<std::string> categories(const Table& table, std::size_t column) {
  std::set<std::string, std::less<>> seen;
  double value;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const std::string_view text = table.cell(i, column);
    if (seen.find(text) != seen.end() || read_cell(text, value) == Cell::missing) continue;
    seen.emplace(text);
    if (seen.size() > kMostCategories) {
      throw DataError(table.file(), table.line(i), column + 1,
                      fmt::format("column '{}' has more than {} different texts; leave it out or "
                                  "group them",
                                  table.names()[column], kMostCategories));
    }
  }
  std::vector<std::string> sorted(seen.begin(), seen.end());
  sort_categories(sorted);
  return sorted;
}

Column learn_input(const Table& table, const Census& census, std::size_t position,
                   bool categorical) {
  Column column{table.names()[position], position, categorical, {}};
  if (!categorical) {
    check_not_mixed(table, position, census);
    column.categorical = census.texts > 0;
  }
  if (column.categorical) column.categories = categories(table, position);
  return column;
}

Column learn_target(const Table& table, const Census& census, std::size_t position,
                    const std::optional<Task>& task) {
  Column target{table.names()[position], position, false, {}};
  if (task != Task::classification) check_not_mixed(table, position, census);
  if (task == Task::regression && census.texts > 0) {
    throw DataError(table.file(), table.line(census.first_text), position + 1,
                    fmt::format("expected a number in the target column '{}', got '{}'",
                                target.name, table.cell(census.first_text, position)));
  }
  target.categorical = task ? *task == Task::classification : census.texts > 0;
  if (!target.categorical) return target;
  target.categories = categories(table, position);
  if (target.categories.size() < 2) {
    throw DataError(
        table.file(), 0, position + 1,
        fmt::format("the target column '{}' has {}; classification needs two classes", target.name,
                    target.categories.empty() ? "no value"
                                              : "one class only, '" + target.categories[0] + "'"));
  }
  return target;
}

std::vector<std::size_t> positions(const Table& table, const std::vector<std::string>& wanted,
                                   const char* role) {
  std::vector<std::size_t> out;
  for (const std::string& name : wanted) out.push_back(find_column(table, name, role));
  return out;
}

bool has(const std::vector<std::size_t>& list, std::size_t value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

nlohmann::json to_json(const Column& column) {
  nlohmann::json json = {{"name", column.name},
                         {"position", column.position},
                         {"kind", column.categorical ? "categorical" : "numeric"}};
  if (column.categorical) json["categories"] = column.categories;
  return json;
}

Column column_from_json(const nlohmann::json& json) {
  Column column;
  column.name = json.at("name").get<std::string>();
  column.position = whole_number<std::size_t>(json.at("position"));
  const auto kind = json.at("kind").get<std::string>();
  if (kind != "numeric" && kind != "categorical") {
    throw DataError("", 0, 0, "table schema: unknown kind of column '" + kind + "'");
  }
  column.categorical = kind == "categorical";
  if (column.categorical) column.categories = json.at("categories").get<std::vector<std::string>>();
  return column;
}

/// A schema comes from a file: nothing in it is trusted.
void check_schema(const Schema& schema) {
  const auto outside = [&](const Column& column) {
    return column.position >= schema.table_columns;
  };
  if (outside(schema.target) || std::any_of(schema.inputs.begin(), schema.inputs.end(), outside)) {
    throw DataError("", 0, 0, "table schema: a column stands beyond the table's last");
  }
}

}  // namespace

std::vector<std::size_t> Schema::widths() const {
  std::vector<std::size_t> out;
  for (const Column& column : inputs) {
    out.push_back(column.categorical ? column.categories.size() : 1);
  }
  return out;
}

std::size_t Schema::width() const {
  const std::vector<std::size_t> all = widths();
  return std::accumulate(all.begin(), all.end(), std::size_t{0});
}

std::vector<std::string> Schema::features() const {
  std::vector<std::string> names;
  for (const Column& column : inputs) {
    if (!column.categorical) names.push_back(column.name);
    for (const std::string& category : column.categories)
      names.push_back(column.name + "=" + category);
  }
  return names;
}

Schema learn_schema(const Table& table, const OpenOptions& options) {
  if (options.missing != "mean" && options.missing != "error" && options.missing != "drop") {
    throw ConfigError("missing: expected mean, error or drop, got '" + options.missing + "'");
  }
  if (table.rows() == 0) throw DataError(table.file(), 0, 0, "the table has a header and no rows");
  const std::size_t target =
      options.target.empty() ? table.columns() - 1 : find_column(table, options.target, "target");
  const auto ignored = positions(table, options.ignore, "ignored");
  const auto categorical = positions(table, options.categorical, "categorical");
  if (has(ignored, target))
    throw ConfigError("the target column '" + table.names()[target] + "' is ignored");
  Schema schema;
  schema.header = table.header();
  schema.table_columns = table.columns();
  schema.missing = options.missing;
  const std::vector<Census> cells = count_cells(table);
  schema.target = learn_target(table, cells[target], target, options.task);
  for (std::size_t j = 0; j < table.columns(); ++j) {
    if (has(ignored, j)) schema.ignored.push_back(table.names()[j]);
    if (j == target || has(ignored, j)) continue;
    schema.inputs.push_back(learn_input(table, cells[j], j, has(categorical, j)));
  }
  if (schema.width() == 0)
    throw DataError(table.file(), 0, 0, "no input column is left besides the target");
  return schema;
}

std::string to_text(const Schema& schema) {
  nlohmann::json inputs = nlohmann::json::array();
  for (const Column& column : schema.inputs) inputs.push_back(to_json(column));
  return nlohmann::json{{"header", schema.header},   {"columns", schema.table_columns},
                        {"inputs", inputs},          {"target", to_json(schema.target)},
                        {"ignored", schema.ignored}, {"missing", schema.missing}}
      .dump();
}

Schema schema_from_text(const std::string& text) {
  try {
    const nlohmann::json json = parse_json(text);
    Schema schema;
    schema.header = json.at("header").get<bool>();
    schema.table_columns = whole_number<std::size_t>(json.at("columns"));
    for (const auto& column : json.at("inputs")) schema.inputs.push_back(column_from_json(column));
    schema.target = column_from_json(json.at("target"));
    schema.ignored = json.at("ignored").get<std::vector<std::string>>();
    schema.missing = json.at("missing").get<std::string>();
    check_schema(schema);
    return schema;
  } catch (const nlohmann::json::exception& error) {
    throw DataError("", 0, 0, "table schema: " + json_error(error));
  } catch (const std::invalid_argument& error) {
    throw DataError("", 0, 0, std::string("table schema: ") + error.what());
  }
}

}  // namespace scalemix::inline v0::data
