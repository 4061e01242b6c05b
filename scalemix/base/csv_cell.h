// Cells of tables that are written.
#pragma once

#include <string>

namespace scalemix::inline v0 {

/// A cell, quoted if a reader would otherwise cut or trim it.
inline std::string csv_cell(const std::string& text, char separator = ',') {
  const bool plain = text.find_first_of(std::string("\"\r\n") + separator) == std::string::npos &&
                     (text.empty() || (text.front() != ' ' && text.back() != ' '));
  if (plain) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace scalemix::inline v0
