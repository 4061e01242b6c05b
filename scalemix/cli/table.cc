#include "scalemix/cli/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ostream>

#include "scalemix/base/printable.h"

namespace scalemix::inline v0::cli {
namespace {

bool like_number(const std::string& cell) {
  const std::size_t at = cell.starts_with('-') ? 1 : 0;
  return cell.empty() || cell == "-" || cell == "nan" || cell == "inf" ||
         (at < cell.size() && std::isdigit(static_cast<unsigned char>(cell[at])));
}

}  // namespace

void Table::add(std::vector<std::string> row) {
  for (std::string& cell : row) cell = printable(cell);
  rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths() const {
  std::vector<std::size_t> out(rows_.front().size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t j = 0; j < row.size() && j < out.size(); ++j) {
      out[j] = std::max(out[j], row[j].size());
    }
  }
  return out;
}

bool Table::numeric(std::size_t column) const {
  return rows_.size() > 1 && std::all_of(rows_.begin() + 1, rows_.end(), [&](const auto& row) {
           return column >= row.size() || like_number(row[column]);
         });
}

void Table::print(std::ostream& out) const {
  const std::vector<std::size_t> width = widths();
  std::vector<bool> right;
  for (std::size_t j = 0; j < width.size(); ++j) right.push_back(numeric(j));
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t j = 0; j < row.size() && j < width.size(); ++j) {
      if (j > 0) line += "  ";
      line += right[j] ? fmt::format("{:>{}}", row[j], width[j])
                       : fmt::format("{:<{}}", row[j], width[j]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  }
}

}  // namespace scalemix::inline v0::cli
