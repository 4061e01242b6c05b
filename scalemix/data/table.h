// A text table in memory: cells as they stand in the file, not yet numbers.
//
// Read by libcsv: quoted cells, separators and line ends inside quotes, doubled quotes, LF, CRLF
// and CR, a byte order mark, gzip, UTF-16. The separator is a comma, semicolon, tab or bar, seen
// from the first lines or named by a first line "sep=;"; a file that does not end in .csv or .tsv
// may also be separated by runs of blanks. Blank lines are skipped, and so are lines that begin
// with # above the table, or inside it where they have not its number of cells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/data/notation.h"

namespace scalemix::inline v0::data {

class Table {
 public:
  std::size_t rows() const { return columns_ == 0 ? 0 : end_.size() / columns_; }
  std::size_t columns() const { return columns_; }

  /// Text of a cell, blanks around an unquoted one removed.
  std::string_view cell(std::size_t row, std::size_t column) const;

  /// What the cell holds, read in the table's notation; its number.
  Cell read(std::size_t row, std::size_t column, double& value) const {
    return notation_.plain() ? read_cell(cell(row, column), value)
                             : notation_.read(cell(row, column), value);
  }
  const Notation& notation() const { return notation_; }

  /// The line of the file on which a row starts, from 1.
  std::size_t line(std::size_t row) const { return line_[row]; }

  const std::string& file() const { return file_; }  // "standard input" for "-"

  /// Names of the columns: the header, or "1", "2", ... where there is none.
  const std::vector<std::string>& names() const { return names_; }
  bool header() const { return header_; }
  /// Whether the header's cell of a column is empty; then its name is its number.
  bool unnamed(std::size_t column) const { return header_ && unnamed_[column]; }

  /// Makes the first row the names of the columns. Throws DataError if two columns share a name.
  void take_header();

  /// What was guessed or left out, for the user: a header that only looks like one, comment lines.
  const std::vector<std::string>& notes() const { return notes_; }
  void add_note(const std::string& note) { notes_.push_back(note); }

 private:
  friend class TableReader;

  std::string file_;
  std::string text_;                // all cells, one after the other
  std::vector<std::size_t> begin_;  // where each row begins in text_
  std::vector<std::uint32_t> end_;  // where each cell ends, from the begin of its row
  std::vector<std::uint32_t> line_;
  std::vector<std::string> names_, notes_;
  std::vector<bool> unnamed_;
  Notation notation_;
  std::size_t columns_ = 0;
  bool header_ = false;
};

struct TableOptions {
  std::optional<bool> header;  // default: the first row, unless it reads like the rows below it
  char separator = 0;          // 0: seen; ' ' stands for runs of blanks
  Notation notation = {};
};

/// Reads a table from a file or from standard input ("-"). Without being told, the first row is a
/// header if some column holds text there and only numbers below, if no cell of it is a number or
/// missing, or if its numbers count up by one (years) beside texts that are not met again. A guess
/// that could be wrong is in notes(). Throws FileError; DataError with line and column: a ragged
/// row, a broken quote, nothing in the file, bytes that are no text (their kind is named).
Table read_table(const std::string& path, const TableOptions& options = {});

/// The same from text, which becomes the table's own; `name` stands in errors.
Table parse_table(std::string text, const std::string& name, const TableOptions& options = {});

}  // namespace scalemix::inline v0::data
