#include "scalemix/data/column_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>

#include "scalemix/base/error.h"
#include "scalemix/base/name_list.h"
#include "scalemix/data/date.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kLooks = 2000;    // texts that are looked at for a notation or a date
constexpr std::size_t kRowsOfIds = 10;  // fewer rows differ in every column by chance
constexpr std::size_t kRowsOfTexts = 20;
constexpr std::size_t kUnitTexts = 10;  // different texts that make "12 kg" a quantity
constexpr std::size_t kNamed = 8;       // columns that a note names

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Names that say a column numbers or identifies the rows.
bool named_as_id(const std::string& name) {
  const std::string word = lower(name);
  for (const char* id : {"id", "index", "idx", "uuid", "guid", "key", "rowid", "rownum", "rowname",
                         "rownames", "row", "row.names", "serial", "nr", "no", "no.", "#"}) {
    if (word == id) return true;
  }
  const bool camel = name.size() > 2 && name.ends_with("Id") &&
                     std::islower(static_cast<unsigned char>(name[name.size() - 3]));
  return camel || word.ends_with("_id") || word.ends_with(" id") || word.ends_with("-id") ||
         word.ends_with("_uuid") || word.starts_with("id_") || word.ends_with(".id") ||
         (name.size() > 2 && name.ends_with("ID"));
}

/// The index that a table was written with: its header's cell is empty, or what pandas makes of it.
bool unnamed_index(const Table& table, std::size_t column) {
  if (!table.header()) return false;
  const std::string& name = table.names()[column];
  return name.starts_with("Unnamed: ") || table.unnamed(column);
}

Choice left_out(std::string why, std::string instead = {}) {
  Choice choice;
  choice.use = Choice::Use::left_out;
  choice.why = std::move(why);
  choice.instead = std::move(instead);
  return choice;
}

Choice choose_numbers(const Table& table, std::size_t column, const Census& c) {
  const std::string& name = table.names()[column];
  Choice number;
  if (!c.finite) return number;  // an error with line and column, later
  if (table.rows() > 1 && c.low == c.high && c.numbers > 0) {
    return left_out("the same number in every row", "--as number:COLUMN");
  }
  const bool full = c.numbers == table.rows() && c.whole;
  if (!full) return number;
  if (unnamed_index(table, column) && c.counting && table.rows() > 1) {
    return left_out("an index without a name", "--as number:COLUMN");
  }
  if (table.rows() < kRowsOfIds) return number;
  const bool may_be = named_as_id(name) || unnamed_index(table, column);
  if (may_be && count_distinct(table, column).numbers == table.rows()) {
    return left_out("by name an id, and a different whole number in every row",
                    "--as number:COLUMN");
  }
  if (c.counting) {
    number.note = fmt::format(
        "column '{}' counts the rows, {:.15g} to {:.15g}; if it is no input, give --ignore {}",
        name, c.low, c.high, name);
  }
  return number;
}

Choice choose_texts(const Table& table, std::size_t column) {
  if (holds_dates(table, column)) {
    return left_out("dates or times", "--as date:COLUMN, or year, month, weekday, seconds");
  }
  Choice category;
  category.use = Choice::Use::category;
  category.categories = find_categories(table, column, kMostCategories);
  const std::size_t count = category.categories.names.size();
  if (count > kMostCategories) {
    return left_out(fmt::format("more than {} different texts", kMostCategories));
  }
  if (count == 1 && table.rows() > 1) return left_out("the same text in every row");
  if (count == table.rows() && table.rows() >= kRowsOfTexts) {
    return left_out("a different text in every row", "--categorical COLUMN");
  }
  return category;
}

/// Number of texts that are foreign, of those looked at, and the first.
struct ForeignTexts {
  std::size_t foreign = 0, others = 0, row = 0;
  Foreign first;
};

ForeignTexts find_foreign(const Table& table, std::size_t column, const Census& census) {
  ForeignTexts out;
  double value;
  for (std::size_t i = census.first_text; i < table.rows(); ++i) {
    if (out.foreign + out.others == kLooks) break;
    if (table.read(i, column, value) != Cell::text) continue;
    const auto found = looks_foreign(table.cell(i, column), table.notation());
    ++(found ? out.foreign : out.others);
    if (found && out.foreign == 1) out.row = i, out.first = *found;
  }
  return out;
}

/// The unit that all texts of a column share behind a number; empty if there is none.
std::string shared_unit(const Table& table, std::size_t column, const Census& census) {
  std::string unit;
  std::map<std::string_view, int> seen;
  double value;
  for (std::size_t i = census.first_text; i < table.rows() && seen.size() < kLooks; ++i) {
    if (table.read(i, column, value) != Cell::text) continue;
    const std::string_view text = table.cell(i, column);
    if (!seen.emplace(text, 0).second) continue;
    const std::string of = unit_of(text);
    if (of.empty() || (!unit.empty() && of != unit)) return "";
    unit = of;
  }
  return seen.size() >= kUnitTexts ? unit : "";
}

[[noreturn]] void refuse(const Table& table, std::size_t column, std::size_t row,
                         const Foreign& foreign) {
  throw DataError(
      table.file(), table.line(row), column + 1,
      fmt::format("'{}' in column '{}' looks like {}; {}, or name the column with "
                  "--categorical",
                  table.cell(row, column), table.names()[column], foreign.looks, foreign.advice));
}

}  // namespace

void check_texts(const Table& table, std::size_t column, const Census& census) {
  if (census.texts == 0) return;
  const ForeignTexts texts = find_foreign(table, column, census);
  if (texts.foreign > 0 && texts.foreign + census.numbers >= texts.others) {
    refuse(table, column, texts.row, texts.first);
  }
  if (const std::string unit = shared_unit(table, column, census); !unit.empty()) {
    refuse(table, column, census.first_text,
           {fmt::format("a number with the unit '{}'", unit),
            fmt::format("read it with --units '{}'", unit)});
  }
  if (census.numbers < census.texts) return;
  throw DataError(table.file(), table.line(census.first_text), column + 1,
                  fmt::format("expected a number in column '{}', got '{}'; if its values are "
                              "categories, name the column with --categorical",
                              table.names()[column], table.cell(census.first_text, column)));
}

bool holds_dates(const Table& table, std::size_t column) {
  std::size_t dates = 0, texts = 0;
  double value;
  for (std::size_t i = 0; i < table.rows() && texts < kLooks; ++i) {
    if (table.read(i, column, value) == Cell::missing) continue;
    ++texts;
    const std::string_view text = table.cell(i, column);
    dates += read_date(text) || ambiguous_date(text);
    if (texts == kUnitTexts && dates == 0) return false;
  }
  return texts > 0 && 10 * dates >= 9 * texts;
}

Choice choose(const Table& table, std::size_t column, const Census& census) {
  if (census.numbers + census.texts == 0) return left_out("no value in any row");
  if (census.texts == 0) return choose_numbers(table, column, census);
  check_texts(table, column, census);
  return choose_texts(table, column);
}

void LeftOut::add(const std::string& column, const Choice& choice) {
  auto at = std::find_if(reasons_.begin(), reasons_.end(),
                         [&](const Reason& r) { return r.why == choice.why; });
  if (at == reasons_.end()) {
    reasons_.push_back({choice.why, choice.instead, {}});
    at = reasons_.end() - 1;
  }
  at->columns.push_back(column);
}

std::vector<std::string> LeftOut::notes() const {
  std::vector<std::string> out;
  for (const Reason& r : reasons_) {
    const std::vector<std::string> named(
        r.columns.begin(),
        r.columns.begin() + static_cast<std::ptrdiff_t>(std::min(r.columns.size(), kNamed)));
    out.push_back(fmt::format(
        "left out, {}: {}{}{}", r.why, name_list(named),
        r.columns.size() > kNamed ? fmt::format(" and {} more", r.columns.size() - kNamed) : "",
        r.instead.empty() ? "" : " (all the same: " + r.instead + ")"));
  }
  return out;
}

}  // namespace scalemix::inline v0::data
