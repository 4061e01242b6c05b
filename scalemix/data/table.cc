#include "scalemix/data/table.h"

#include <csv.h>

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <limits>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/utf8.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/file_kind.h"
#include "scalemix/data/header.h"

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

bool is_comment(std::string_view line) {
  const std::size_t first = line.find_first_not_of(" \t");
  return first != std::string_view::npos && line[first] == '#';
}

bool is_blank(std::string_view text) {
  return text.substr(0, line_length(text)).find_first_not_of(" \t\r\n") == text.npos;
}

/// The text from its first line that is no comment.
std::string_view without_comments(std::string_view text) {
  while (!text.empty() && (is_comment(text) || is_blank(text))) {
    text.remove_prefix(line_length(text));
  }
  return text;
}

/// How a separator cuts the first lines.
struct Cuts {
  char separator = 0;
  std::size_t first = 0, lines = 0, same = 0;  // separators in the first line; lines with as many

  bool all() const { return first > 0 && same == lines; }
  double score() const {
    return static_cast<double>(same) / static_cast<double>(lines) +
           0.5 * (1 - 1 / static_cast<double>(first + 1));
  }
};

Cuts cuts_of(std::string_view text, char separator) {
  Cuts cuts{separator};
  for (std::string_view rest = text; !rest.empty() && cuts.lines < kLooks;) {
    const std::size_t length = line_length(rest);
    const std::string_view line = rest.substr(0, length);
    rest.remove_prefix(length);
    if (is_comment(line)) continue;
    const std::size_t n = count_outside_quotes(line, separator);
    cuts.first = cuts.lines == 0 ? n : cuts.first;
    cuts.same += n == cuts.first;
    ++cuts.lines;
  }
  return cuts;
}

/// The separator that cuts the first lines into the same number of cells, the more cells the
/// better. A comma may also be a decimal one: it must make two more cells than another separator
/// that cuts every line alike.
char see_separator(std::string_view text, const std::string& name, const Notation& notation) {
  if (ending(name) == "tsv") return '\t';
  const bool blanks_allowed = ending(name) != "csv";
  Cuts best{blanks_allowed ? ' ' : ','}, regular;
  double best_score = 0;
  for (const char c : {';', '\t', '|', ','}) {
    const Cuts cuts = cuts_of(text, c);
    if (c == ',' && regular.first > 0 &&
        (cuts.first <= regular.first + 1 || notation.decimal == ',')) {
      continue;
    }
    if (cuts.all() && cuts.first > regular.first) regular = cuts;
    if (cuts.first == 0) continue;
    // Fewer than half the lines agreeing is no table of that separator.
    if (2 * cuts.same > cuts.lines && cuts.score() > best_score) {
      best = cuts, best_score = cuts.score();
    }
  }
  return best.separator;
}

/// The sign of a first line "sep=;", which spreadsheet programs write and read; 0 if there is none.
/// `length` is the line's.
char named_separator(std::string_view text, std::size_t& length) {
  length = line_length(text);
  std::string_view line = text.substr(0, length);
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  if (line.size() > 2 && line.front() == '"' && line.back() == '"') {
    line = line.substr(1, line.size() - 2);
  }
  if (line.size() != 5) return 0;
  std::string word(line.substr(0, 4));
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return word == "sep=" ? line[4] : '\0';
}

/// The text's first bytes tell what else it may be.
void check_known(std::string_view text, const std::string& name) {
  const std::string what = name_of_bytes(text);
  if (!what.empty()) throw DataError(name, 0, 0, "is " + what);
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
      check_known(text, name);
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

void check_text(std::string_view text, std::size_t skip, const std::string& name) {
  const std::string what = name_of_text(text.substr(skip));
  if (!what.empty()) throw DataError(name, 0, 0, "is " + what);
  const std::size_t zero = text.substr(0, 4096).find('\0');
  if (zero != std::string_view::npos) {
    check_known(text, name);
    throw DataError(
        name, 0, 0,
        "is not a text table: it holds zero bytes, the first at " + std::to_string(zero));
  }
  check_utf8(text, name);
}

}  // namespace

/// Builds a Table cell by cell, in the text it is read from; libcsv's callbacks land here.
class TableReader {
 public:
  TableReader(const std::string& name, const Notation& notation) {
    table_.file_ = name;
    table_.notation_ = notation;
  }

  /// Reads `all` from byte `skip`, the begin of line `line`. Cells are no longer than the text they
  /// come from, so they move towards its front, in place.
  Table read(std::string&& all, std::size_t skip, std::size_t line, char separator) {
    table_.text_ = std::move(all);
    line_ = row_line_ = line;
    std::string_view text = std::string_view(table_.text_).substr(skip);
    skip_comments(text, separator);
    separator == ' ' ? read_blanks(text) : read_separated(text, separator);
    table_.text_.resize(used_);
    if (table_.text_.capacity() > 2 * used_ + 4096) table_.text_.shrink_to_fit();
    say_comments();
    if (table_.line_.empty()) throw DataError(table_.file_, 0, 0, "the table is empty");
    for (std::size_t j = 1; j <= table_.columns_; ++j) table_.names_.push_back(std::to_string(j));
    return std::move(table_);
  }

  /// Whether the first row stood behind a # and names the columns.
  bool named() const { return named_; }

 private:
  static std::size_t cells_of(std::string_view line, char separator) {
    if (separator != ' ') return count_outside_quotes(line, separator) + 1;
    std::size_t cells = 0;
    for (std::size_t at = 0; (at = line.find_first_not_of(" \t\r\n", at)) != line.npos; ++cells) {
      at = std::min(line.find_first_of(" \t\r\n", at), line.size());
    }
    return cells;
  }

  bool has_number(std::string_view line, char separator) const {
    const std::string_view ends = separator == ' ' ? std::string_view(" \t\r\n") : "\r\n";
    double value;
    while (!line.empty()) {
      const std::size_t cut = std::min({line.size(), line.find_first_of(ends),
                                        separator == ' ' ? line.npos : line.find(separator)});
      if (cut > 0 && table_.notation_.read(line.substr(0, cut), value) == Cell::number) return true;
      line.remove_prefix(std::min(cut + 1, line.size()));
    }
    return false;
  }

  /// Passes over the comment lines above the table. The last of them is the table's header if it
  /// has as many cells as the line below it, two or more, and only that line has numbers.
  void skip_comments(std::string_view& text, char separator) {
    while (!text.empty() && (is_comment(text) || is_blank(text))) {
      const std::size_t length = line_length(text);
      if (is_blank(text)) {
        text.remove_prefix(length);
        ++line_;
        continue;
      }
      const std::string_view below = text.substr(length);
      std::string_view names = text.substr(text.find('#'), length - text.find('#'));
      names.remove_prefix(std::min(names.find_first_not_of("# \t"), names.size()));
      const std::size_t cells = cells_of(names, separator);
      if (!below.empty() && !is_comment(below) && cells > 1 &&
          cells == cells_of(below.substr(0, line_length(below)), separator) &&
          !has_number(names.substr(0, line_length(names)), separator) &&
          has_number(below.substr(0, line_length(below)), separator)) {
        text.remove_prefix(static_cast<std::size_t>(names.data() - text.data()));
        named_ = true;
        return;
      }
      text.remove_prefix(length);
      if (comments_++ == 0) first_comment_ = line_;
      ++line_;
    }
  }

  /// Whether a line inside the table is a comment: it begins with # and is no row.
  bool skip_comment(std::string_view line, char separator) {
    if (table_.columns_ == 0 || !is_comment(line)) return false;
    if (cells_of(line, separator) == table_.columns_) return false;
    if (comments_++ == 0) first_comment_ = line_;
    return true;
  }

  void say_comments() {
    if (comments_ == 0) return;
    table_.notes_.push_back(fmt::format("{} left out as {}: line {}{}",
                                        comments_ == 1 ? "a line is" : "lines are",
                                        comments_ == 1 ? "a comment" : "comments", first_comment_,
                                        comments_ == 1 ? "" : " is the first"));
  }

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
      if (begins && skip_comment(text.substr(0, length), separator)) {
        text.remove_prefix(length);
        continue;
      }
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
      if (skip_comment(line, ' ')) line = {};
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
    if (cells_ == 0) table_.begin_.push_back(used_);
    // Most cells are short: a call of memmove would take longer than the copy. The cell may overlap
    // its new place, which is never behind it.
    char* to = table_.text_.data() + used_;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) std::memmove(to + i, text.data() + i, 8);
    for (; i < text.size(); ++i) to[i] = text[i];
    used_ += text.size();
    const std::size_t end = used_ - table_.begin_.back();
    if (end > std::numeric_limits<std::uint32_t>::max()) too_long_ = true;
    table_.end_.push_back(static_cast<std::uint32_t>(end));
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
    if (too_long_) throw DataError(table_.file_, row_line_, 0, "the row has more than 4 GiB");
    if (ragged_line_ == 0) return;
    std::string hint;
    if (table_.columns_ == 1) {
      hint = "; if that is a title, take it out or begin it with #";
    } else if (ragged_ == table_.columns_ + 1 && table_.line_.size() == 2) {
      hint = "; where only the first row lacks a cell, name the column of the row names there";
    }
    throw DataError(table_.file_, ragged_line_, 0,
                    "expected " + std::to_string(table_.columns_) +
                        " columns as in the first row, got " + std::to_string(ragged_) + hint);
  }

  static void on_cell(void* text, std::size_t size, void* self) {
    static_cast<TableReader*>(self)->add_cell({static_cast<const char*>(text), size});
  }
  static void on_row(int, void* self) { static_cast<TableReader*>(self)->end_row(); }

  Table table_;
  std::size_t used_ = 0;  // of table_.text_
  std::size_t line_ = 1, row_line_ = 1, cells_ = 0;
  std::size_t ragged_line_ = 0, ragged_ = 0;
  std::size_t comments_ = 0, first_comment_ = 0;
  bool ended_ = true, named_ = false, too_long_ = false;
};

std::string_view Table::cell(std::size_t row, std::size_t column) const {
  const std::size_t k = row * columns_ + column;
  const std::size_t begin = column == 0 ? 0 : end_[k - 1];
  return std::string_view(text_).substr(begin_[row] + begin, end_[k] - begin);
}

void Table::take_header() {
  std::set<std::string> seen, given;
  for (std::size_t j = 0; j < columns_; ++j) given.emplace(cell(0, j));
  unnamed_.assign(columns_, false);
  for (std::size_t j = 0; j < columns_; ++j) {
    const std::string name(cell(0, j));
    unnamed_[j] = name.empty();
    names_[j] = name.empty() ? std::to_string(j + 1) : name;
    if (name.empty() && given.count(names_[j])) names_[j] = "unnamed " + names_[j];
    if (!seen.insert(names_[j]).second) {
      throw DataError(file_, line_[0], j + 1, "a second column is named '" + names_[j] + "'");
    }
  }
  begin_.erase(begin_.begin());
  end_.erase(end_.begin(), end_.begin() + static_cast<std::ptrdiff_t>(columns_));
  line_.erase(line_.begin());
  header_ = true;
}

Table read_table(const std::string& path, const TableOptions& options) {
  return parse_table(read_bytes(path), path == "-" ? "standard input" : path, options);
}

Table parse_table(std::string text, const std::string& name, const TableOptions& options) {
  text = to_utf8(std::move(text), name);
  std::size_t skip = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
  check_text(text, skip, name);
  if (text.find('\n') == std::string::npos && text.find('\r') != std::string::npos) {
    std::replace(text.begin(), text.end(), '\r', '\n');
  }
  std::size_t line = 1, length = 0;
  char separator = named_separator(std::string_view(text).substr(skip), length);
  if (separator) skip += length, ++line;
  if (options.separator) separator = options.separator;
  const std::string_view body = without_comments(std::string_view(text).substr(skip));
  if (!separator) separator = see_separator(body, name, options.notation);
  TableReader reader(name, options.notation);
  Table table = reader.read(std::move(text), skip, line, separator);
  const HeaderGuess guess = guess_header(table);
  if (options.header.value_or(reader.named() || guess.header)) table.take_header();
  if (!options.header && !reader.named() && !guess.note.empty()) table.add_note(guess.note);
  return table;
}

}  // namespace scalemix::inline v0::data
