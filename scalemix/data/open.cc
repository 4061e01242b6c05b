// open() of dataset.h: what a name stands for.

#include <fmt/format.h>

#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/cifar.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/images.h"
#include "scalemix/data/registry.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"
#include "scalemix/data/uci.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

Dataset open_table(const std::string& path, const OpenOptions& options) {
  const Table table = read_table(path, {options.header, 0});
  const Schema schema = learn_schema(table, options);
  Encoded rows = encode(table, schema, {Target::required, options.missing == "drop"});
  if (rows.rows == 0) throw DataError(table.file(), 0, 0, "every row misses a value; none is left");
  Dataset data;
  data.task = schema.target.categorical ? Task::classification : Task::regression;
  data.shape = {schema.width()};
  data.x = std::move(rows.x);
  data.y = std::move(rows.y);
  data.label = std::move(rows.label);
  data.classes = schema.target.categories;
  data.features = schema.features();
  data.target = schema.target.name;
  data.schema = to_text(schema);
  data.notes = std::move(rows.warnings);
  if (rows.dropped)
    data.notes.push_back(fmt::format("rows left out for a missing value: {}", rows.dropped));
  return data;
}

Dataset open_folder(const std::string& path, const OpenOptions& options) {
  if (is_uci_folder(path)) return open_uci(path);
  if (is_idx_folder(path)) return open_idx(path);
  if (is_cifar_folder(path)) return open_cifar(path);
  if (is_image_folder(path)) return open_images(path, options);
  throw DataError(
      path, 0, 0,
      "is a folder without known data: expected train-images-idx3-ubyte[.gz], data_batch_1.bin, "
      "data.txt with index_features.txt, or a folder of .png or .jpg pictures for each class");
}

bool is_array_file(const std::string& path) {
  const std::string end = ending(path);
  return end == "npy" || end == "npz" || is_idx_name(path);
}

Dataset open_file(const std::string& path, const OpenOptions& options) {
  if (is_image_list(path)) return open_image_list(path, options);
  if (is_array_file(path)) return dataset_of(read_arrays(path), options);
  if (ending(path) == "bin") return open_cifar(path);
  return open_table(path, options);
}

/// Whether a word that is no file was meant as one.
bool looks_like_path(const std::string& what) {
  return what.find('/') != std::string::npos ||
         (!ending(what).empty() && !what.starts_with("uci:"));
}

}  // namespace

Dataset open(const std::string& what, const OpenOptions& options) {
  if (const NamedSet* set = find_set(what)) return open_set(*set, options);
  if (what != "-" && !fs::exists(what)) {
    if (looks_like_path(what)) throw FileError(what, "no such file or folder", true);
    named_set(what);  // throws, with the nearest name
  }
  Dataset data =
      what != "-" && fs::is_directory(what) ? open_folder(what, options) : open_file(what, options);
  data.name = what == "-" ? "standard input" : what;
  return data;
}

}  // namespace scalemix::inline v0::data
