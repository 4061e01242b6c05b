#include "scalemix/data/idx.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

/// `name` or `name`.gz in the folder, the packed one first.
std::string find_file(const std::string& folder, const std::string& name) {
  const std::string path = (fs::path(folder) / name).string();
  if (fs::exists(path + ".gz")) return path + ".gz";
  if (fs::exists(path)) return path;
  throw FileError(path, "no such file, nor with .gz", true);
}

struct Part {
  Array images, labels;
};

Part read_part(const std::string& folder, const std::string& prefix) {
  const std::string images = find_file(folder, prefix + "-images-idx3-ubyte");
  const std::string labels = find_file(folder, prefix + "-labels-idx1-ubyte");
  Part part{parse_idx(read_bytes(images), images), parse_idx(read_bytes(labels), labels)};
  if (part.images.shape.size() != 3) {
    throw DataError(images, 0, 0,
                    fmt::format("expected images of 3 axes, got {}", part.images.shape.size()));
  }
  if (part.labels.shape.size() != 1) {
    throw DataError(labels, 0, 0,
                    fmt::format("expected labels of 1 axis, got {}", part.labels.shape.size()));
  }
  if (part.images.rows() != part.labels.rows()) {
    throw DataError(labels, 0, 0,
                    fmt::format("expected a label for each of {} images, got {}",
                                part.images.rows(), part.labels.rows()));
  }
  return part;
}

void append(const Part& part, const std::string& folder, Dataset& data) {
  const std::vector<std::size_t> shape = {1, part.images.shape[1], part.images.shape[2]};
  if (!data.shape.empty() && shape != data.shape) {
    throw DataError(folder, 0, 0,
                    fmt::format("test images have {} x {} pixels, training images {} x {}",
                                shape[1], shape[2], data.shape[1], data.shape[2]));
  }
  data.shape = shape;
  data.x.insert(data.x.end(), part.images.values.begin(), part.images.values.end());
  for (const float label : part.labels.values)
    data.label.push_back(static_cast<std::int32_t>(label));
}

}  // namespace

bool is_idx_name(const std::string& path) {
  return file_name(path).find("-ubyte") != std::string::npos;
}

Array parse_idx(std::string_view bytes, const std::string& name) {
  const auto damaged = [&](const std::string& what) {
    throw DataError(name, 0, 0, "IDX file: " + what);
  };
  if (bytes.size() < 4) damaged(fmt::format("expected at least 4 bytes, got {}", bytes.size()));
  const std::uint64_t magic = big_endian(bytes, 0, 4), axes = magic & 255;
  if (magic >> 8 != 8 || axes < 1 || axes > 4) {
    damaged(fmt::format("expected magic number 0x0801 (labels) to 0x0804, got 0x{:04x}", magic));
  }
  const std::size_t header = 4 + 4 * axes;
  if (bytes.size() < header) damaged("it ends within its header");
  Array array;
  array.integer = true;
  const std::size_t room = bytes.size() - header;
  std::size_t n = 1;
  bool fits = true;
  for (std::size_t a = 0; a < axes; ++a) {
    array.shape.push_back(big_endian(bytes, 4 + 4 * a, 4));
    fits = fits && (array.shape[a] == 0 || n <= room / array.shape[a]);
    n = fits ? n * array.shape[a] : 0;
  }
  if (!fits || n != room) {
    damaged(
        fmt::format("its header asks for {} values, got {}", fmt::join(array.shape, " x "), room));
  }
  array.values.reserve(n);
  for (const char c : bytes.substr(header)) array.values.push_back(static_cast<unsigned char>(c));
  return array;
}

Dataset open_idx(const std::string& folder, std::vector<std::string> classes) {
  Dataset data;
  data.name = folder;
  data.task = Task::classification;
  append(read_part(folder, "train"), folder, data);
  const std::size_t train = data.rows();
  append(read_part(folder, "t10k"), folder, data);
  if (train == 0 || data.rows() == train)
    throw DataError(folder, 0, 0, "there are no images for training or for testing");
  const std::int32_t last = *std::max_element(data.label.begin(), data.label.end());
  for (std::int32_t c = 0; classes.empty() && c <= last; ++c)
    data.classes.push_back(std::to_string(c));
  if (!classes.empty()) data.classes = std::move(classes);
  if (static_cast<std::size_t>(last) >= data.classes.size()) {
    throw DataError(folder, 0, 0,
                    fmt::format("expected labels below {}, got {}", data.classes.size(), last));
  }
  Split split;
  split.train.resize(train);
  split.test.resize(data.rows() - train);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(train));
  data.splits = {std::move(split)};
  return data;
}

bool is_idx_folder(const std::string& folder) {
  const fs::path images = fs::path(folder) / "train-images-idx3-ubyte";
  return fs::exists(images) || fs::exists(images.string() + ".gz");
}

}  // namespace scalemix::inline v0::data
