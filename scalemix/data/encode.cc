// encode() of schema.h.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "scalemix/base/error.h"
#include "scalemix/base/name_list.h"
#include "scalemix/base/nearest.h"
#include "scalemix/data/category.h"
#include "scalemix/data/date.h"
#include "scalemix/data/schema.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kAbsent = std::numeric_limits<std::size_t>::max();

/// Where the schema's columns stand in a table.
struct Places {
  std::vector<std::size_t> inputs;
  std::size_t target = kAbsent;
};

Places by_name(const Table& table, const Schema& schema, const std::string& id,
               std::vector<std::string>& warnings) {
  std::unordered_map<std::string_view, std::size_t> places_of;
  for (std::size_t j = 0; j < table.columns(); ++j) places_of.emplace(table.names()[j], j);
  const auto place = [&](const std::string& name) {
    const auto found = places_of.find(name);
    return found == places_of.end() ? kAbsent : found->second;
  };
  Places places;
  std::vector<bool> used(table.columns(), false);
  for (const Column& column : schema.inputs) {
    const std::size_t j = place(column.name);
    if (j == kAbsent) {
      throw DataError(table.file(), 0, 0,
                      fmt::format("the column '{}' is not there{}", column.name,
                                  did_you_mean(column.name, table.names())));
    }
    places.inputs.push_back(j);
    used[j] = true;
  }
  places.target = place(schema.target.name);
  if (places.target != kAbsent) used[places.target] = true;
  for (const std::string& name : schema.ignored) {
    if (place(name) != kAbsent) used[place(name)] = true;
  }
  if (place(id) != kAbsent) used[place(id)] = true;
  std::vector<std::string> extra;
  for (std::size_t j = 0; j < table.columns(); ++j) {
    if (!used[j]) extra.push_back(table.names()[j]);
  }
  if (!extra.empty()) {
    warnings.push_back(
        fmt::format("columns the model does not know are left out: {}", name_list(extra)));
  }
  return places;
}

/// By position: all columns of the training table, or all but the target.
Places by_position(const Table& table, const Schema& schema) {
  const bool without_target = table.columns() + 1 == schema.table_columns;
  if (!without_target && table.columns() != schema.table_columns) {
    throw DataError(table.file(), table.rows() ? table.line(0) : 0, 0,
                    fmt::format("expected {} columns, or {} without the target '{}', got {}",
                                schema.table_columns, schema.table_columns - 1, schema.target.name,
                                table.columns()));
  }
  Places places;
  for (const Column& column : schema.inputs) {
    places.inputs.push_back(column.position -
                            (without_target && column.position > schema.target.position));
  }
  if (!without_target) places.target = schema.target.position;
  return places;
}

/// Counts what a column could not be coded as, with the first example.
struct Unseen {
  std::size_t count = 0, line = 0;
  std::string example;
};

class Encoder {
 public:
  Encoder(const Table& table, const Schema& schema, const EncodeOptions& options)
      : table_(table),
        schema_(schema),
        options_(options),
        unseen_(schema.inputs.size()),
        missing_(schema.inputs.size(), 0) {
    places_ = schema.header && table.header() ? by_name(table, schema, options.id, out_.warnings)
                                              : by_position(table, schema);
    for (const Column& column : schema.inputs) {
      index_.emplace_back(column.categories, schema.notation);
    }
    find_id();
  }

  Encoded run() {
    const bool ask = options_.target != Target::ignored;
    if (options_.target == Target::required && places_.target == kAbsent) {
      throw DataError(table_.file(), 0, 0,
                      fmt::format("the target column '{}' is not there{}", schema_.target.name,
                                  did_you_mean(schema_.target.name, table_.names())));
    }
    out_.labelled = ask && places_.target != kAbsent;
    const CategoryIndex classes(schema_.target.categories, schema_.notation);
    out_.x.reserve(table_.rows() * schema_.width());
    std::size_t unanswered = 0;
    for (std::size_t i = 0; i < table_.rows(); ++i) {
      const bool no_answer = out_.labelled && options_.target == Target::required &&
                             schema_.missing != "error" && missing(i, places_.target);
      const bool misses = options_.drop && row_misses_a_cell(i);
      unanswered += no_answer && !misses;
      if (no_answer || misses) {
        if (out_.dropped == 0) out_.kept = first_rows(i);
        ++out_.dropped;
        continue;
      }
      if (out_.dropped > 0) out_.kept.push_back(static_cast<std::uint32_t>(i));
      for (std::size_t c = 0; c < schema_.inputs.size(); ++c) encode_input(i, c);
      if (out_.labelled) encode_target(i, classes);
      if (id_ != kAbsent) out_.ids.emplace_back(table_.cell(i, id_));
      ++out_.rows;
    }
    if (unanswered > 0) {
      out_.warnings.push_back(
          fmt::format("{} left out for want of an answer: no value in the target column '{}'",
                      unanswered == 1 ? "1 row is" : fmt::format("{} rows are", unanswered),
                      schema_.target.name));
    }
    out_.dropped -= unanswered;
    report_unseen();
    report_missing();
    return std::move(out_);
  }

 private:
  [[noreturn]] void fail(std::size_t row, std::size_t column, const std::string& what) const {
    throw DataError(table_.file(), table_.line(row), column + 1, what);
  }

  static std::vector<std::uint32_t> first_rows(std::size_t n) {
    std::vector<std::uint32_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0u);
    return rows;
  }

  void find_id() {
    const std::string& id = options_.id.empty() ? schema_.id : options_.id;
    if (id.empty()) return;
    const auto& names = table_.names();
    const auto found = std::find(names.begin(), names.end(), id);
    if (found != names.end()) {
      id_ = static_cast<std::size_t>(found - names.begin());
    } else if (!options_.id.empty()) {
      throw DataError(
          table_.file(), 0, 0,
          fmt::format("the id column '{}' is not there{}", id, did_you_mean(id, names)));
    }
  }

  /// What a text that should be a number looks like, for the end of a message.
  std::string hint(std::string_view text) const {
    const auto foreign = looks_foreign(text, table_.notation());
    return foreign ? fmt::format(", which looks like {}; {}", foreign->looks, foreign->advice) : "";
  }

  double number(std::size_t row, std::size_t place, const Column& column) const {
    const std::string_view text = table_.cell(row, place);
    double value;
    switch (table_.read(row, place, value)) {
      case Cell::number:
        return value;
      case Cell::missing:
        return std::numeric_limits<double>::quiet_NaN();
      case Cell::text:
        fail(row, place,
             fmt::format("expected a number in column '{}', got '{}'{}", column.name, text,
                         hint(text)));
      case Cell::infinite:
        fail(row, place,
             fmt::format("expected a finite number in column '{}', got '{}'", column.name, text));
      case Cell::too_large:
        fail(row, place,
             fmt::format("the number in column '{}' is beyond the range of float: {}", column.name,
                         text));
    }
    return value;
  }

  bool missing(std::size_t row, std::size_t place) const {
    double value;
    return table_.read(row, place, value) == Cell::missing;
  }

  bool row_misses_a_cell(std::size_t row) const {
    if (places_.target != kAbsent && missing(row, places_.target)) return true;
    return std::any_of(places_.inputs.begin(), places_.inputs.end(),
                       [&](std::size_t place) { return missing(row, place); });
  }

  void encode_input(std::size_t row, std::size_t c) {
    const Column& column = schema_.inputs[c];
    const std::size_t place = places_.inputs[c];
    if (!column.parts.empty()) return encode_date(row, c);
    if (!column.categorical) {
      const double value = number(row, place, column);
      if (std::isnan(value)) take_missing(row, c);
      push_input(value, column.origin);
      return;
    }
    const std::size_t at = out_.x.size();
    out_.x.resize(at + column.categories.size(), 0.0f);
    if (options_.exact) out_.exact_x.resize(out_.x.size(), 0.0);
    if (missing(row, place)) return take_missing(row, c);
    const std::string_view text = table_.cell(row, place);
    const std::int32_t k = index_[c].find(text);
    if (k >= 0) {
      out_.x[at + static_cast<std::size_t>(k)] = 1;
      if (options_.exact) out_.exact_x[at + static_cast<std::size_t>(k)] = 1;
    } else if (unseen_[c].count++ == 0) {
      unseen_[c].line = table_.line(row);
      unseen_[c].example = text;
    }
  }

  void push_input(double value, double origin) {
    out_.x.push_back(static_cast<float>(value - origin));
    if (options_.exact) out_.exact_x.push_back(value);
  }

  void encode_date(std::size_t row, std::size_t c) {
    const Column& column = schema_.inputs[c];
    const std::size_t place = places_.inputs[c];
    const std::string_view text = table_.cell(row, place);
    const bool none = missing(row, place);
    const auto date = none ? std::nullopt : read_date(text);
    if (!none && !date) {
      fail(row, place, fmt::format("expected a date in column '{}', got '{}'", column.name, text));
    }
    if (none) take_missing(row, c);
    for (const std::string& part : column.parts) {
      const double value = date ? date_part(*date, part) : std::numeric_limits<double>::quiet_NaN();
      push_input(value, part == "seconds" ? column.origin : 0);
    }
  }

  void take_missing(std::size_t row, std::size_t c) {
    if (schema_.missing == "error") {
      fail(row, places_.inputs[c],
           fmt::format("a value is missing in column '{}'", schema_.inputs[c].name));
    }
    ++missing_[c];
  }

  void encode_target(std::size_t row, const CategoryIndex& classes) {
    const Column& target = schema_.target;
    const std::string_view text = table_.cell(row, places_.target);
    if (missing(row, places_.target)) {
      return unusable(row,
                      fmt::format("a value is missing in the target column '{}'", target.name));
    }
    double value;
    if (!target.categorical && options_.target == Target::optional &&
        table_.read(row, places_.target, value) != Cell::number) {
      return unusable(row, fmt::format("'{}' in the target column '{}' is not a finite number",
                                       text, target.name));
    }
    if (!target.categorical) {
      value = number(row, places_.target, target);
      out_.y.push_back(static_cast<float>(value - target.origin));
      if (options_.exact) out_.exact_y.push_back(value);
      return;
    }
    const std::int32_t k = classes.find(text);
    if (k >= 0) {
      out_.label.push_back(k);
      return;
    }
    unusable(row, fmt::format("'{}' in the target column '{}' is not a class the model knows: {}",
                              text, target.name, name_list(target.categories)));
  }

  /// An answer that cannot be used: an error where answers are required, else the end of labelling.
  void unusable(std::size_t row, const std::string& what) {
    if (options_.target == Target::required) fail(row, places_.target, what);
    out_.warnings.push_back(DataError(table_.file(), table_.line(row), places_.target + 1,
                                      what + "; the target column is not used")
                                .what());
    out_.labelled = false;
    out_.y.clear();
    out_.label.clear();
  }

  void report_unseen() {
    for (std::size_t c = 0; c < unseen_.size(); ++c) {
      const Unseen& u = unseen_[c];
      if (u.count == 0) continue;
      out_.warnings.push_back(
          fmt::format("column '{}': {} {} a category not seen in training, coded as none of them; "
                      "first '{}' in line {}",
                      schema_.inputs[c].name, u.count, u.count == 1 ? "row has" : "rows have",
                      u.example, u.line));
    }
  }

  void report_missing() {
    for (std::size_t c = 0; c < missing_.size(); ++c) {
      if (missing_[c] == 0) continue;
      out_.warnings.push_back(
          fmt::format("column '{}': {} {} no value, taken as {}", schema_.inputs[c].name,
                      missing_[c], missing_[c] == 1 ? "row has" : "rows have",
                      schema_.inputs[c].categorical ? "none of its categories"
                                                    : "the mean of the training rows"));
    }
  }

  const Table& table_;
  const Schema& schema_;
  EncodeOptions options_;
  Places places_;
  std::size_t id_ = kAbsent;
  std::vector<CategoryIndex> index_;
  std::vector<Unseen> unseen_;
  std::vector<std::size_t> missing_;  // cells, a column
  Encoded out_;
};

}  // namespace

Encoded encode(const Table& table, const Schema& schema, const EncodeOptions& options) {
  return Encoder(table, schema, options).run();
}

bool first_row_names(const Table& table, const Schema& schema) {
  for (std::size_t j = 0; j < table.columns() && table.rows() > 0; ++j) {
    const auto named = [&](const Column& column) { return column.name == table.cell(0, j); };
    if (std::any_of(schema.inputs.begin(), schema.inputs.end(), named)) return true;
  }
  return false;
}

}  // namespace scalemix::inline v0::data
