// A text table in memory: cells as they stand in the file, not yet numbers.
//
// Read by libcsv: quoted cells, separators and line ends inside quotes, doubled quotes, LF, CRLF
// and CR, a byte order mark, gzip. The separator is a comma, semicolon or tab, seen from the first
// lines; a file that does not end in .csv or .tsv may also be separated by runs of blanks. Blank
// lines are skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::data {

class Table {
 public:
  std::size_t rows() const { return columns_ == 0 ? 0 : end_.size() / columns_; }
  std::size_t columns() const { return columns_; }

  /// Text of a cell, blanks around an unquoted one removed.
  std::string_view cell(std::size_t row, std::size_t column) const;

  /// The line of the file on which a row starts, from 1.
  std::size_t line(std::size_t row) const { return line_[row]; }

  const std::string& file() const { return file_; }  // "standard input" for "-"

  /// Names of the columns: the header, or "1", "2", ... where there is none.
  const std::vector<std::string>& names() const { return names_; }
  bool header() const { return header_; }

  /// Makes the first row the names of the columns. Throws DataError if two columns share a name.
  void take_header();

 private:
  friend class TableReader;

  std::string file_;
  std::string text_;              // all cells, one after the other
  std::vector<std::size_t> end_;  // where each cell ends in text_
  std::vector<std::uint32_t> line_;
  std::vector<std::string> names_;
  std::size_t columns_ = 0, first_ = 0;  // first_: where the first cell starts in text_
  bool header_ = false;
};

/// What a cell holds. "", "NA", "N/A", "NaN" (any case), "null", "NULL" and "?" are missing;
/// infinite numbers and those beyond float's range are told apart because no column may hold them.
enum class Cell { number, missing, text, infinite, too_large };

/// Sorts a cell and, for a number, reads it.
Cell read_cell(std::string_view text, double& value);

struct TableOptions {
  std::optional<bool> header;  // default: the first row, unless it reads like the rows below it
  char separator = 0;          // 0: seen; ' ' stands for runs of blanks
};

/// Reads a table from a file or from standard input ("-"). Without being told, the first row is a
/// header if some column holds text there and only numbers below, or if no cell of it is a number
/// or missing. Throws FileError; DataError with line and column: a ragged row, a broken quote,
/// nothing in the file.
Table read_table(const std::string& path, const TableOptions& options = {});

/// The same from text; `name` stands in errors.
Table parse_table(std::string_view text, const std::string& name, const TableOptions& options = {});

}  // namespace scalemix::inline v0::data
