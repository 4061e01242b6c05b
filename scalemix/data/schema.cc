#include "scalemix/data/schema.h"

#include <fmt/format.h>

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/known.h"
#include "scalemix/base/word.h"
#include "scalemix/data/category.h"
#include "scalemix/data/column_choice.h"
#include "scalemix/data/date.h"

namespace scalemix::inline v0::data {
namespace {

DataError no_date(const Table& table, std::size_t row, std::size_t column) {
  const std::string_view text = table.cell(row, column);
  return DataError(
      table.file(), table.line(row), column + 1,
      fmt::format("expected a date in column '{}', such as 2021-03-04 or 4.3.2021, "
                  "with or without a time; got '{}'{}",
                  table.names()[column], text,
                  ambiguous_date(text) ? ", whose day and month could be swapped" : ""));
}

std::vector<std::string> checked_categories(const Table& table, std::size_t column,
                                            Categories found, Schema& schema) {
  if (found.names.size() > kMostCategories) {
    throw DataError(table.file(), 0, column + 1,
                    fmt::format("column '{}' has more than {} different texts; leave it out or "
                                "group them",
                                table.names()[column], kMostCategories));
  }
  sort_categories(found.names, table.notation());
  schema.notes.insert(schema.notes.end(), found.notes.begin(), found.notes.end());
  return std::move(found.names);
}

/// Finds the column's origin; says which numbers become one in float all the same.
void make_number(const Table& table, const Census& census, Column& column, Schema& schema) {
  if (!census.rounds || !census.finite) return;
  column.origin = origin_of(census.low, census.high, true);
  Distinct d = count_distinct(table, column.position, column.origin);
  if (d.merges() && column.origin == 0) {
    const double low = std::floor(census.low);
    const Distinct less = count_distinct(table, column.position, low);
    if (less.rounded > d.rounded) column.origin = low, d = less;
  }
  if (!d.merges()) return;
  schema.notes.push_back(fmt::format(
      "column '{}': {} different numbers become {}, since they lie nearer to each other "
      "than float can tell apart",
      column.name, d.numbers, d.rounded));
}

/// What OpenOptions::as says of a column.
struct As {
  bool number = false, category = false;
  std::vector<std::string> parts;  // of a date, in the order of date_parts()

  bool any() const { return number || category || !parts.empty(); }
};

void add_word(const std::string& word, As& as) {
  const auto& parts = date_parts();
  if (word == "number") {
    as.number = true;
  } else if (word == "category") {
    as.category = true;
  } else if (word == "date") {
    as.parts.assign(parts.begin(), parts.end());
  } else if (std::find(parts.begin(), parts.end(), word) != parts.end()) {
    as.parts.push_back(word);
  } else {
    std::vector<std::string> known = {"number", "category", "date"};
    known.insert(known.end(), parts.begin(), parts.end());
    throw ConfigError(fmt::format("as {}", not_one_of(known, word)));
  }
}

std::vector<As> read_as(const Table& table, const std::vector<std::string>& words) {
  std::vector<As> out(table.columns());
  for (const std::string& word : words) {
    const std::size_t colon = word.find(':');
    if (colon == std::string::npos) {
      throw ConfigError(fmt::format("as must be KIND:COLUMN, such as date:day, got '{}'", word));
    }
    As& as = out[find_column(table, word.substr(colon + 1), "named")];
    add_word(word.substr(0, colon), as);
    if (as.number + as.category + !as.parts.empty() > 1) {
      throw ConfigError(fmt::format("as: '{}' is to be read in two ways", word.substr(colon + 1)));
    }
  }
  for (As& as : out) {
    std::vector<std::string> sorted;
    for (const std::string_view part : date_parts()) {
      if (std::find(as.parts.begin(), as.parts.end(), part) != as.parts.end()) {
        sorted.emplace_back(part);
      }
    }
    as.parts = std::move(sorted);
  }
  return out;
}

/// Dates of a column: all must be read, and the seconds of times alone are the only part.
void make_date(const Table& table, const std::vector<std::string>& parts, Column& column,
               Schema& schema) {
  double low = std::numeric_limits<double>::infinity();
  bool times = true;
  double value;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    if (table.read(i, column.position, value) == Cell::missing) continue;
    const auto date = read_date(table.cell(i, column.position));
    if (!date) throw no_date(table, i, column.position);
    times &= date->month == 0;
    value = date_part(*date, "seconds");
    low = std::min(low, value);
  }
  column.parts = times ? std::vector<std::string>{"seconds"} : parts;
  column.origin = times || !std::isfinite(low) ? 0 : std::floor(low);
  if (times && parts != column.parts) {
    schema.notes.push_back(
        fmt::format("column '{}' holds times without a day: their seconds are read", column.name));
  }
}

/// Adds the column to the inputs, or leaves it out.
void learn_input(const Table& table, const Census& census, std::size_t position, const As& as,
                 Schema& schema, LeftOut& left_out) {
  Column column{table.names()[position], position, as.category, {}};
  if (as.category) {
    column.categories = checked_categories(
        table, position, find_categories(table, position, kMostCategories), schema);
  } else if (!as.parts.empty()) {
    make_date(table, as.parts, column, schema);
  } else if (as.number) {
    if (census.texts > 0) {
      check_texts(table, position, census);
      throw DataError(table.file(), table.line(census.first_text), position + 1,
                      fmt::format("expected a number in column '{}', got '{}'", column.name,
                                  table.cell(census.first_text, position)));
    }
    make_number(table, census, column, schema);
  } else {
    Choice choice = choose(table, position, census);
    if (!choice.note.empty()) schema.notes.push_back(choice.note);
    if (choice.use == Choice::Use::left_out) {
      left_out.add(column.name, choice);
      schema.ignored.push_back(column.name);
      return;
    }
    column.categorical = choice.use == Choice::Use::category;
    if (column.categorical) {
      column.categories = checked_categories(table, position, std::move(choice.categories), schema);
    } else {
      make_number(table, census, column, schema);
    }
  }
  schema.inputs.push_back(std::move(column));
}

Column learn_target(const Table& table, const Census& census, std::size_t position,
                    const std::optional<Task>& task, Schema& schema) {
  Column target{table.names()[position], position, false, {}};
  if (task != Task::classification) {
    check_texts(table, position, census);
    if (census.texts > 0 && holds_dates(table, position)) {
      throw DataError(table.file(), table.line(census.first_text), position + 1,
                      fmt::format("the target column '{}' holds dates, such as '{}': expected "
                                  "numbers, or classes (--task classification)",
                                  target.name, table.cell(census.first_text, position)));
    }
  }
  if (task == Task::regression && census.texts > 0) {
    throw DataError(table.file(), table.line(census.first_text), position + 1,
                    fmt::format("expected a number in the target column '{}', got '{}'",
                                target.name, table.cell(census.first_text, position)));
  }
  target.categorical = task ? *task == Task::classification : census.texts > 0;
  if (!target.categorical) {
    make_number(table, census, target, schema);
    return target;
  }
  target.categories = checked_categories(table, position,
                                         find_categories(table, position, kMostCategories), schema);
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
  for (const std::string& name : wanted) {
    // "a,b" is two columns unless it is the name of one.
    const auto& names = table.names();
    if (name.find(',') == std::string::npos ||
        std::find(names.begin(), names.end(), name) != names.end()) {
      out.push_back(find_column(table, name, role));
      continue;
    }
    for (const std::string_view part : split(name, ',')) {
      out.push_back(find_column(table, std::string(trimmed(part)), role));
    }
  }
  return out;
}

/// Readers that know no notation, origin or date refuse the kinds they do not know.
std::string kind_of(const Column& column, const Notation& notation) {
  if (!column.parts.empty()) return "date";
  const bool plain = notation.plain();
  if (column.categorical) return plain ? "categorical" : "notated categorical";
  return !plain ? "notated" : column.origin != 0 ? "offset" : "numeric";
}

nlohmann::json to_json(const Column& column, const Notation& notation) {
  nlohmann::json json = {
      {"name", column.name}, {"position", column.position}, {"kind", kind_of(column, notation)}};
  if (column.categorical) json["categories"] = column.categories;
  if (!column.parts.empty()) json["parts"] = column.parts;
  if (column.origin != 0) json["origin"] = column.origin;
  return json;
}

Column column_from_json(const nlohmann::json& json) {
  Column column;
  column.name = json.at("name").get<std::string>();
  column.position = whole_number<std::size_t>(json.at("position"));
  const auto kind = json.at("kind").get<std::string>();
  column.categorical = kind.ends_with("categorical");
  const bool known = kind == "numeric" || kind == "categorical" || kind == "notated" ||
                     kind == "notated categorical" || kind == "offset" || kind == "date";
  if (!known) throw DataError("", 0, 0, "table schema: unknown kind of column '" + kind + "'");
  if (kind == "date") column.parts = json.at("parts").get<std::vector<std::string>>();
  if (json.contains("origin")) column.origin = json.at("origin").get<double>();
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
  for (const Column& column : schema.inputs) {
    const auto& parts = date_parts();
    for (const std::string& part : column.parts) {
      if (std::find(parts.begin(), parts.end(), part) != parts.end()) continue;
      throw DataError("", 0, 0, "table schema: unknown part of a date '" + part + "'");
    }
  }
}

}  // namespace

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
  const bool several = role == std::string_view("target") && wanted.find(',') != wanted.npos;
  throw DataError(table.file(), 0, 0,
                  unknown(fmt::format("{} column", role), wanted, names) +
                      (several ? "; several targets cannot be learned at once yet" : ""));
}

TableOptions table_options(const OpenOptions& options) {
  return {options.header, 0, make_notation(options.decimal, options.thousands, options.units)};
}

std::vector<std::size_t> Schema::widths() const {
  std::vector<std::size_t> out;
  for (const Column& column : inputs) out.push_back(column.width());
  return out;
}

std::size_t Schema::width() const {
  const std::vector<std::size_t> all = widths();
  return std::accumulate(all.begin(), all.end(), std::size_t{0});
}

std::vector<std::string> Schema::features() const {
  std::vector<std::string> names;
  for (const Column& column : inputs) {
    if (!column.categorical && column.parts.empty()) names.push_back(column.name);
    for (const std::string& part : column.parts) names.push_back(column.name + "." + part);
    for (const std::string& category : column.categories)
      names.push_back(column.name + "=" + category);
  }
  return names;
}

std::vector<double> Schema::origins() const {
  std::vector<double> out;
  bool any = false;
  for (const Column& column : inputs) {
    const std::size_t at = out.size();
    out.resize(at + column.width(), 0);
    if (column.origin == 0 || column.categorical) continue;
    // Of a date, the seconds, which are its last part.
    const bool whole = column.parts.empty() || column.parts.back() == "seconds";
    if (whole) out.back() = column.origin, any = true;
  }
  return any ? out : std::vector<double>{};
}

Schema learn_schema(const Table& table, const OpenOptions& options) {
  if (options.missing != "mean" && options.missing != "error" && options.missing != "drop") {
    throw ConfigError("missing: expected mean, error or drop, got '" + options.missing + "'");
  }
  if (table.rows() == 0) throw DataError(table.file(), 0, 0, "the table has a header and no rows");
  const std::size_t target =
      options.target.empty() ? table.columns() - 1 : find_column(table, options.target, "target");
  std::vector<As> as = read_as(table, options.as);
  for (const std::size_t j : positions(table, options.categorical, "categorical")) {
    as[j].number = false, as[j].category = true, as[j].parts.clear();
  }
  Schema schema;
  std::vector<bool> out(table.columns(), false);
  for (const std::size_t j : positions(table, options.ignore, "ignored")) out[j] = true;
  for (const auto& [name, role] : {std::pair{&options.id, "id"}, {&options.group, "group"}}) {
    if (name->empty()) continue;
    const std::size_t j = find_column(table, *name, role);
    out[j] = true;
    if (name == &options.id) schema.id = table.names()[j];
  }
  if (out[target]) {
    throw ConfigError(
        fmt::format("the target column '{}' is ignored, an id or a group", table.names()[target]));
  }
  schema.header = table.header();
  schema.table_columns = table.columns();
  schema.missing = options.missing;
  schema.notation = table.notation();
  schema.notes = table.notes();
  const std::vector<Census> cells = count_cells(table);
  schema.target = learn_target(table, cells[target], target, options.task, schema);
  LeftOut left_out;
  for (std::size_t j = 0; j < table.columns(); ++j) {
    if (out[j]) schema.ignored.push_back(table.names()[j]);
    if (j == target || out[j]) continue;
    learn_input(table, cells[j], j, as[j], schema, left_out);
  }
  const std::vector<std::string> notes = left_out.notes();
  if (schema.width() == 0) {
    throw DataError(table.file(), 0, 0,
                    fmt::format("no input column is left besides the target{}{}{}",
                                notes.empty() ? "" : "; ", fmt::join(notes, "; "),
                                table.columns() > 1
                                    ? ""
                                    : "; the table has one column: cells are separated by , ; | or "
                                      "tab, or a first line sep=X names the sign"));
  }
  schema.notes.insert(schema.notes.end(), notes.begin(), notes.end());
  return schema;
}

std::string to_text(const Schema& schema) {
  const Notation& n = schema.notation;
  nlohmann::json inputs = nlohmann::json::array();
  for (const Column& column : schema.inputs) inputs.push_back(to_json(column, n));
  nlohmann::json out{{"header", schema.header},   {"columns", schema.table_columns},
                     {"inputs", inputs},          {"target", to_json(schema.target, n)},
                     {"ignored", schema.ignored}, {"missing", schema.missing}};
  if (!schema.id.empty()) out["id"] = schema.id;
  if (!n.plain()) {
    out["notation"] = {
        {"decimal", std::string(1, n.decimal)}, {"thousands", n.thousands}, {"units", n.units}};
  }
  return out.dump();
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
    if (json.contains("id")) schema.id = json.at("id").get<std::string>();
    if (json.contains("notation")) {
      const nlohmann::json& n = json.at("notation");
      schema.notation =
          make_notation(n.at("decimal").get<std::string>(), n.at("thousands").get<std::string>(),
                        n.at("units").get<std::vector<std::string>>());
    }
    check_schema(schema);
    return schema;
  } catch (const ConfigError& error) {
    throw DataError("", 0, 0, std::string("table schema: ") + error.what());
  } catch (const nlohmann::json::exception& error) {
    throw DataError("", 0, 0, "table schema: " + json_error(error));
  } catch (const std::invalid_argument& error) {
    throw DataError("", 0, 0, std::string("table schema: ") + error.what());
  }
}

}  // namespace scalemix::inline v0::data
