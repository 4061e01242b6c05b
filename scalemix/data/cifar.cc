#include "scalemix/data/cifar.h"

#include <fmt/format.h>

#include <filesystem>
#include <numeric>
#include <sstream>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPixels = 3 * 32 * 32, kRecord = 1 + kPixels;

void append(const std::string& path, Dataset& data) {
  const std::string bytes = read_bytes(path);
  if (bytes.empty() || bytes.size() % kRecord != 0) {
    throw DataError(
        path, 0, 0,
        fmt::format("expected whole records of {} bytes, got {} bytes", kRecord, bytes.size()));
  }
  for (std::size_t at = 0; at < bytes.size(); at += kRecord) {
    const auto label = static_cast<unsigned char>(bytes[at]);
    if (label > 9) {
      throw DataError(
          path, 0, 0,
          fmt::format("record {}: expected a label 0 to 9, got {}", at / kRecord, label));
    }
    data.label.push_back(label);
    for (std::size_t i = 1; i < kRecord; ++i)
      data.x.push_back(static_cast<unsigned char>(bytes[at + i]));
  }
}

std::vector<std::string> class_names(const fs::path& folder) {
  const fs::path meta = folder / "batches.meta.txt";
  if (!fs::exists(meta)) {
    return {"airplane", "automobile", "bird",  "cat",  "deer",
            "dog",      "frog",       "horse", "ship", "truck"};
  }
  std::istringstream text(read_bytes(meta.string()));
  std::vector<std::string> names;
  for (std::string name; text >> name;) names.push_back(name);
  if (names.size() != 10) {
    throw DataError(meta.string(), 0, 0,
                    fmt::format("expected 10 class names, got {}", names.size()));
  }
  return names;
}

}  // namespace

Dataset open_cifar(const std::string& path) {
  const bool folder = fs::is_directory(path);
  Dataset data;
  data.name = path;
  data.task = Task::classification;
  data.shape = {3, 32, 32};
  data.classes = class_names(folder ? fs::path(path) : fs::path(path).parent_path());
  if (!folder) {
    append(path, data);
    return data;
  }
  for (int batch = 1; batch <= 5; ++batch) {
    append((fs::path(path) / fmt::format("data_batch_{}.bin", batch)).string(), data);
  }
  Split split;
  split.train.resize(data.rows());
  append((fs::path(path) / "test_batch.bin").string(), data);
  split.test.resize(data.rows() - split.train.size());
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(split.train.size()));
  data.splits = {std::move(split)};
  return data;
}

bool is_cifar_folder(const std::string& folder) {
  return fs::exists(fs::path(folder) / "data_batch_1.bin") ||
         fs::exists(fs::path(folder) / "test_batch.bin");
}

}  // namespace scalemix::inline v0::data
