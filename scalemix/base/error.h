// The errors scalemix throws beyond the standard ones, and what the command line makes of each.
//
//   std::domain_error       a value out of its range           (a law's parameter, a rate)
//   std::invalid_argument   a wrong shape, type or combination  (rows, columns, a spec)
//   DataError               bad input data, with its place      (file, line, column)
//   FileError               a file that cannot be read or written
//   ConfigError             a wrong key or value in a config, flag or environment variable
//   Diverged                training met NaN or ran away
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace scalemix::inline v0 {

/// Bad input data. `line` and `column` count from 1; 0 means "not one line" or "not one column".
class DataError : public std::runtime_error {
 public:
  DataError(std::string file, std::size_t line, std::size_t column, const std::string& what)
      : std::runtime_error(place(file, line, column) + what),
        file(std::move(file)),
        line(line),
        column(column) {}

  std::string file;
  std::size_t line;
  std::size_t column;

 private:
  static std::string place(const std::string& file, std::size_t line, std::size_t column) {
    std::string where = file;
    if (line) where.append(":").append(std::to_string(line));
    if (column) where.append(line ? ":" : ": column ").append(std::to_string(column));
    if (!where.empty()) where.append(": ");
    return where;
  }
};

/// A file or folder that cannot be opened, read, written or renamed. `missing` tells "is not there"
/// (exit code 66) from every other failure (exit code 74).
class FileError : public std::runtime_error {
 public:
  FileError(const std::string& path, const std::string& what, bool missing = false)
      : std::runtime_error(path + ": " + what), path(path), missing(missing) {}

  std::string path;
  bool missing;
};

/// A wrong key or value in a config file, a flag or an environment variable.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Training met NaN, infinity or ran away; the message says where the last good checkpoint is.
class Diverged : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace scalemix::inline v0
