// Images for entries that need some: those that are wanted; where a named set is not on this machine,
// the built-in glyphs, and it is said.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace scalemix::inline v0::cli::reproduce {

struct Images {
  std::string name, note;  // note: empty, or why it is not the set that was wanted
  std::size_t columns = 0, classes = 0;
  std::vector<double> train, test;  // (rows, columns), each row of mean 0 and variance 1
  std::vector<std::int32_t> train_label, test_label;
};

/// `wanted`: a set's name, a file or a folder. `train_rows` images with as many of each class, and
/// `test_rows` others, drawn by `seed`. Throws FileError and DataError where they cannot be read, and
/// where they have no classes.
Images some_images(const std::string& wanted, std::size_t train_rows, std::size_t test_rows,
                   std::uint64_t seed);

}  // namespace scalemix::inline v0::cli::reproduce
