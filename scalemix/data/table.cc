#include "scalemix/data/table.h"

#include <csv.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kLooks = 100;  // rows that decide on separator and header

/// The length of the first line of `text`, its line feed included.
std::size_t line_length(std::string_view text) {
  const std::size_t end = text.find('\n');
  return end == std::string_view::npos ? text.size() : end + 1;
}

/// How often `c` stands outside quotes.
std::size_t count_outside_quotes(std::string_view line, char c) {
  std::size_t n = 0;
  bool quoted = false;
  for (const char d : line) {
    if (d == '"') quoted = !quoted;
    n += !quoted && d == c;
  }
  return n;
}

/// The separator that cuts the first lines into the same number of cells, the more cells the
/// better.
char see_separator(std::string_view text, const std::string& name) {
  if (ending(name) == "tsv") return '\t';
  const bool blanks_allowed = ending(name) != "csv";
  char best = blanks_allowed ? ' ' : ',';
  double best_score = 0;
  for (const char c : {',', ';', '\t'}) {
    std::size_t lines = 0, same = 0, first = 0;
    for (std::string_view rest = text; !rest.empty() && lines < kLooks;) {
      const std::size_t length = line_length(rest);
      const std::size_t n = count_outside_quotes(rest.substr(0, length), c);
      first = lines == 0 ? n : first;
      same += n == first;
      ++lines;
      rest.remove_prefix(length);
    }
    if (first == 0) continue;
    const double score = static_cast<double>(same) / static_cast<double>(lines) +
                         0.5 * (1 - 1 / static_cast<double>(first + 1));
    // Fewer than half the lines agreeing is no table of that separator.
    if (2 * same > lines && score > best_score) best = c, best_score = score;
  }
  return best;
}

bool is_missing(std::string_view text) {
  if (text.size() > 4 || (!text.empty() && text[0] != 'N' && text[0] != 'n' && text[0] != '?')) {
    return false;
  }
  for (const std::string_view word : {"", "?", "NA", "N/A", "NaN", "nan", "NAN", "null", "NULL"}) {
    if (text == word) return true;
  }
  return false;
}

/// Reads a decimal without exponent and with at most 15 digits, exactly: its digits and the power
/// of ten that divides them are doubles without error, so the quotient is the nearest double
/// (Clinger, "How to read floating point numbers accurately", 1990). False for anything else.
bool read_short_decimal(std::string_view text, double& value) {
  constexpr std::size_t kDigits = 15;
  static constexpr double kTens[kDigits + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (text.size() > kDigits + 2) return false;  // a sign and a point
  std::uint64_t digits = 0;
  std::size_t i = text.starts_with('-');
  const bool negative = i == 1;
  const auto read_digits = [&] {
    const std::size_t first = i;
    for (; i < text.size(); ++i) {
      const auto digit = static_cast<unsigned char>(text[i] - '0');
      if (digit > 9) break;
      digits = 10 * digits + digit;
    }
    return i - first;
  };
  const std::size_t before = read_digits();
  std::size_t behind = 0;
  if (i < text.size() && text[i] == '.') {
    ++i;
    behind = read_digits();
  }
  if (i < text.size() || before + behind == 0 || before + behind > kDigits) return false;
  value = static_cast<double>(digits) / kTens[behind];
  if (negative) value = -value;
  return true;
}

/// Length of the UTF-8 character at the front of `text`, 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t length = byte(0) < 0x80                      ? 1
                             : byte(0) >= 0xC2 && byte(0) < 0xE0 ? 2
                             : (byte(0) & 0xF0) == 0xE0          ? 3
                             : byte(0) >= 0xF0 && byte(0) < 0xF5 ? 4
                                                                 : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

void check_utf8(std::string_view text, const std::string& name) {
  for (std::size_t i = 0; i < text.size();) {
    if (std::uint64_t eight; i + sizeof(eight) <= text.size()) {
      std::memcpy(&eight, text.data() + i, sizeof(eight));
      if ((eight & 0x8080808080808080) == 0) {  // eight ASCII characters
        i += sizeof(eight);
        continue;
      }
    }
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) {
      const auto line =
          std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(i), '\n');
      throw DataError(
          name, static_cast<std::size_t>(line) + 1, 0,
          fmt::format("byte 0x{:02X} is not UTF-8 text; convert the file, for instance with "
                      "iconv -f ISO-8859-1 -t UTF-8",
                      static_cast<unsigned char>(text[i])));
    }
    i += length;
  }
}

/// Whether the first row names the columns (read_table's rule).
bool looks_like_header(const Table& table) {
  const std::size_t looks = std::min(table.rows(), kLooks);
  bool all_text = true;
  double value;
  for (std::size_t j = 0; j < table.columns(); ++j) {
    if (read_cell(table.cell(0, j), value) != Cell::text) {
      all_text = false;
      continue;
    }
    std::size_t numbers = 0, others = 0;
    for (std::size_t i = 1; i < looks; ++i) {
      const Cell cell = read_cell(table.cell(i, j), value);
      numbers += cell == Cell::number;
      others += cell == Cell::text;
    }
    if (numbers > 0 && others == 0) return true;
  }
  return all_text;
}

}  // namespace

/// Builds a Table cell by cell; libcsv's callbacks land here.
class TableReader {
 public:
  explicit TableReader(const std::string& name) { table_.file_ = name; }

  Table read(std::string_view text, char separator) {
    table_.text_.resize(text.size());  // cells are no longer than the text they come from
    line_ = row_line_ = 1;
    separator == ' ' ? read_blanks(text) : read_separated(text, separator);
    table_.text_.resize(used_);
    if (table_.line_.empty()) throw DataError(table_.file_, 0, 0, "the table is empty");
    for (std::size_t j = 1; j <= table_.columns_; ++j) table_.names_.push_back(std::to_string(j));
    return std::move(table_);
  }

 private:
  void read_separated(std::string_view text, char separator) {
    csv_parser parser;
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) throw std::bad_alloc();
    struct Free {
      csv_parser* parser;
      ~Free() { csv_free(parser); }
    } const free{&parser};
    csv_set_delim(&parser, static_cast<unsigned char>(separator));
    // Line by line, so that the callbacks know where they are.
    for (; !text.empty(); ++line_) {
      const std::size_t length = line_length(text);
      // A row that a quoted line end carries on keeps the line on which it started.
      const bool begins = ended_;
      if (begins) row_line_ = line_;
      if (begins && read_plain(text.substr(0, length), separator)) {
        text.remove_prefix(length);
        continue;
      }
      ended_ = false;
      if (csv_parse(&parser, text.data(), length, on_cell, on_row, this) != length) {
        bad_quote(parser);
      }
      check_ragged();
      const std::size_t inked = text.substr(0, length).find_first_not_of(" \t\r\n");
      if (begins && inked == std::string_view::npos) ended_ = true;
      text.remove_prefix(length);
    }
    if (csv_fini(&parser, on_cell, on_row, this) != 0) {
      throw DataError(table_.file_, row_line_, cells_ + 1,
                      "the quote of this cell is never closed");
    }
    check_ragged();
  }

  /// Reads a whole line as libcsv would, but ten times as fast; false, and nothing read, if that
  /// takes more than cutting it: quotes, a lone carriage return, a blank line, no line feed.
  bool read_plain(std::string_view line, char separator) {
    if (!line.ends_with('\n')) return false;
    line.remove_suffix(line.ends_with("\r\n") ? 2 : 1);
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    if (std::all_of(line.begin(), line.end(), blank)) return false;
    if (std::memchr(line.data(), '"', line.size()) || std::memchr(line.data(), '\r', line.size())) {
      return false;
    }
    for (;;) {
      const void* found = std::memchr(line.data(), separator, line.size());
      const std::size_t cut =
          found ? static_cast<std::size_t>(static_cast<const char*>(found) - line.data())
                : line.size();
      std::size_t begin = 0, end = cut;
      while (begin < end && blank(line[begin])) ++begin;
      while (begin < end && blank(line[end - 1])) --end;
      add_cell(line.substr(begin, end - begin));
      if (!found) break;
      line.remove_prefix(cut + 1);
    }
    end_row();
    check_ragged();
    return true;
  }

  [[noreturn]] void bad_quote(csv_parser& parser) {
    if (csv_error(&parser) != CSV_EPARSE) throw std::bad_alloc();
    throw DataError(table_.file_, line_, cells_ + 1,
                    "a quote inside a cell that is not quoted as a whole; write \"a \"\"b\"\" c\"");
  }

  void read_blanks(std::string_view text) {
    for (; !text.empty(); ++line_) {
      const std::size_t length = line_length(text);
      std::string_view line = text.substr(0, length);
      row_line_ = line_;
      for (;;) {
        const std::size_t begin = line.find_first_not_of(" \t\r\n");
        if (begin == std::string_view::npos) break;
        const std::size_t end = std::min(line.find_first_of(" \t\r\n", begin), line.size());
        add_cell(line.substr(begin, end - begin));
        line.remove_prefix(end);
      }
      if (cells_ > 0) end_row();
      check_ragged();
      text.remove_prefix(length);
    }
  }

  void add_cell(std::string_view text) {
    // Most cells are short: a call of memcpy would take longer than the copy.
    char* to = table_.text_.data() + used_;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) std::memcpy(to + i, text.data() + i, 8);
    for (; i < text.size(); ++i) to[i] = text[i];
    used_ += text.size();
    table_.end_.push_back(used_);
    ++cells_;
    ended_ = false;
  }

  void end_row() {
    if (table_.columns_ == 0) table_.columns_ = cells_;
    // Thrown after libcsv has returned: no exception may cross its frames.
    if (cells_ != table_.columns_ && ragged_line_ == 0) ragged_line_ = row_line_, ragged_ = cells_;
    table_.line_.push_back(static_cast<std::uint32_t>(row_line_));
    cells_ = 0;
    ended_ = true;
  }

  void check_ragged() const {
    if (ragged_line_ == 0) return;
    throw DataError(table_.file_, ragged_line_, 0,
                    "expected " + std::to_string(table_.columns_) +
                        " columns as in the first row, got " + std::to_string(ragged_));
  }

  static void on_cell(void* text, std::size_t size, void* self) {
    static_cast<TableReader*>(self)->add_cell({static_cast<const char*>(text), size});
  }
  static void on_row(int, void* self) { static_cast<TableReader*>(self)->end_row(); }

  Table table_;
  std::size_t used_ = 0;  // of table_.text_
  std::size_t line_ = 1, row_line_ = 1, cells_ = 0;
  std::size_t ragged_line_ = 0, ragged_ = 0;
  bool ended_ = true;
};

std::string_view Table::cell(std::size_t row, std::size_t column) const {
  const std::size_t k = row * columns_ + column;
  const std::size_t begin = k == 0 ? first_ : end_[k - 1];
  return std::string_view(text_).substr(begin, end_[k] - begin);
}

void Table::take_header() {
  std::set<std::string> seen;
  for (std::size_t j = 0; j < columns_; ++j) {
    const std::string name(cell(0, j));
    names_[j] = name.empty() ? std::to_string(j + 1) : name;
    if (!seen.insert(names_[j]).second) {
      throw DataError(file_, line_[0], j + 1, "a second column is named '" + names_[j] + "'");
    }
  }
  first_ = end_[columns_ - 1];
  end_.erase(end_.begin(), end_.begin() + static_cast<std::ptrdiff_t>(columns_));
  line_.erase(line_.begin());
  header_ = true;
}

Cell read_cell(std::string_view text, double& value) {
  if (read_short_decimal(text, value)) return Cell::number;
  if (is_missing(text)) return Cell::missing;
  std::string_view digits = text;
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || error == std::errc::invalid_argument)
    return Cell::text;
  if (std::isnan(value)) return Cell::missing;
  if (error == std::errc::result_out_of_range) {
    // Both ways out of double's range end here; a tiny number is zero.
    value = std::strtod(std::string(digits).c_str(), nullptr);
    if (std::abs(value) <= 1) return Cell::number;
    return Cell::too_large;
  }
  if (std::isinf(value)) return Cell::infinite;
  if (std::abs(value) > std::numeric_limits<float>::max()) return Cell::too_large;
  return Cell::number;
}

Table read_table(const std::string& path, const TableOptions& options) {
  return parse_table(read_bytes(path), path == "-" ? "standard input" : path, options);
}

Table parse_table(std::string_view text, const std::string& name, const TableOptions& options) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  if (text.substr(0, 4096).find('\0') != std::string_view::npos) {
    throw DataError(name, 0, 0, "is not a text table: it holds zero bytes");
  }
  check_utf8(text, name);
  std::string converted;
  if (text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos) {
    converted = text;
    std::replace(converted.begin(), converted.end(), '\r', '\n');
    text = converted;
  }
  const char separator = options.separator ? options.separator : see_separator(text, name);
  TableReader reader(name);
  Table table = reader.read(text, separator);
  if (options.header.value_or(looks_like_header(table))) table.take_header();
  return table;
}

}  // namespace scalemix::inline v0::data
