#include "scalemix/cli/reproduce/images.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/base/error.h"
#include "scalemix/data/registry.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

/// The numbers of `rows` in an order of the seed's own.
void shuffle(std::vector<std::uint32_t>& rows, std::uint64_t seed, std::uint32_t site) {
  const Stream stream{seed, stream_id(Purpose::shuffle, site), 0};
  for (std::size_t i = rows.size(); i > 1; --i) {
    std::swap(rows[i - 1],
              rows[static_cast<std::size_t>(stream.uniform(i) * static_cast<double>(i))]);
  }
}

/// Adds a row less its mean over its standard deviation.
void add_standardised(const float* row, std::size_t columns, std::vector<double>& to) {
  double mean = 0, square = 0;
  for (std::size_t j = 0; j < columns; ++j) mean += row[j] / static_cast<double>(columns);
  for (std::size_t j = 0; j < columns; ++j) square += (row[j] - mean) * (row[j] - mean);
  const double scale = square > 0 ? std::sqrt(static_cast<double>(columns) / square) : 0;
  for (std::size_t j = 0; j < columns; ++j) to.push_back((row[j] - mean) * scale);
}

data::Dataset open(const std::string& wanted, std::size_t rows, std::uint64_t seed,
                   std::string& note) {
  const data::NamedSet* named = data::find_set(wanted);
  if (!named) return data::open(wanted);
  const data::NamedSet& set = *named;
  data::OpenOptions options;
  options.seed = seed;
  if (set.generated()) {
    options.rows = rows;
    return data::open_set(set, options);
  }
  if (data::locate(set)) return data::open_set(set);
  note = wanted + " is not on this machine (scalemix data get " + wanted +
         "): the built-in glyphs stand in, and numbers of " + wanted + " are not compared";
  return open("glyphs", rows, seed, note);
}

}  // namespace

Images some_images(const std::string& wanted, std::size_t train_rows, std::size_t test_rows,
                   std::uint64_t seed) {
  Images out;
  const data::Dataset set = open(wanted, 2 * train_rows + 5 * test_rows, seed, out.note);
  out.name = set.name;
  out.columns = set.width();
  out.classes = set.classes.size();
  if (out.classes == 0)
    throw DataError(out.name, 0, 0, "has no classes, and images with classes are needed");
  data::Split split = set.splits.at(0);
  shuffle(split.train, seed, 0);
  shuffle(split.test, seed, 1);
  std::vector<std::size_t> left(out.classes, (train_rows + out.classes - 1) / out.classes);
  const auto add = [&](std::uint32_t row, std::vector<double>& x,
                       std::vector<std::int32_t>& label) {
    add_standardised(set.x.data() + row * out.columns, out.columns, x);
    label.push_back(set.label[row]);
  };
  for (const std::uint32_t row : split.train) {
    auto& room = left[static_cast<std::size_t>(set.label[row])];
    if (out.train_label.size() < train_rows && room > 0) {
      --room;
      add(row, out.train, out.train_label);
    }
  }
  for (const std::uint32_t row : split.test) {
    if (out.test_label.size() < test_rows) add(row, out.test, out.test_label);
  }
  check(out.train_label.size() == train_rows && out.test_label.size() == test_rows, out.name,
        "has too few images of some class");
  return out;
}

}  // namespace scalemix::inline v0::cli::reproduce
