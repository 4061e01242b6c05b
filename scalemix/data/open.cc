// open() of dataset.h: what a name stands for.

#include <fmt/format.h>

#include <filesystem>
#include <unordered_map>

#include "scalemix/base/error.h"
#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/category.h"
#include "scalemix/data/cifar.h"
#include "scalemix/data/date.h"
#include "scalemix/data/file_kind.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/images.h"
#include "scalemix/data/registry.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"
#include "scalemix/data/uci.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

/// Numbers of the groups that a column's texts make, in the order in which they come.
std::vector<std::uint32_t> groups_of(const Table& table, const std::string& name) {
  std::vector<std::uint32_t> out(table.rows());
  std::unordered_map<std::string, std::uint32_t> numbers;
  const std::size_t column = find_column(table, name, "group");
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const std::string key = category_key(table.cell(i, column), table.notation());
    out[i] = numbers.emplace(key, static_cast<std::uint32_t>(numbers.size())).first->second;
  }
  return out;
}

/// Numbers, or seconds of dates, that say when a row was.
std::vector<double> times_of(const Table& table, const std::string& name) {
  std::vector<double> out(table.rows());
  const std::size_t column = find_column(table, name, "time");
  for (std::size_t i = 0; i < table.rows(); ++i) {
    if (table.read(i, column, out[i]) == Cell::number) continue;
    const auto date = read_date(table.cell(i, column));
    if (!date) {
      throw DataError(table.file(), table.line(i), column + 1,
                      fmt::format("expected a number or a date in column '{}', got '{}'",
                                  table.names()[column], table.cell(i, column)));
    }
    out[i] = date_part(*date, "seconds");
  }
  return out;
}

template <class T>
std::vector<T> kept_of(std::vector<T> all, const std::vector<std::uint32_t>& kept, bool some) {
  if (!some) return all;
  std::vector<T> out;
  for (const std::uint32_t row : kept) out.push_back(all[row]);
  return out;
}

Dataset open_table(const Table& table, const OpenOptions& options) {
  const Schema schema = learn_schema(table, options);
  Encoded rows =
      encode(table, schema, {Target::required, options.missing == "drop", {}, options.exact});
  if (rows.rows == 0) throw DataError(table.file(), 0, 0, "every row misses a value; none is left");
  Dataset data;
  data.task = schema.target.categorical ? Task::classification : Task::regression;
  data.shape = {schema.width()};
  data.x = std::move(rows.x);
  data.y = std::move(rows.y);
  data.label = std::move(rows.label);
  data.exact_x = std::move(rows.exact_x);
  data.exact_y = std::move(rows.exact_y);
  data.classes = schema.target.categories;
  data.features = schema.features();
  data.origin = schema.origins();
  data.target_origin = schema.target.origin;
  data.target = schema.target.name;
  data.schema = to_text(schema);
  data.notes = schema.notes;
  data.notes.insert(data.notes.end(), rows.warnings.begin(), rows.warnings.end());
  if (rows.dropped)
    data.notes.push_back(fmt::format("rows left out for a missing value: {}", rows.dropped));
  const bool some = rows.rows < table.rows();
  if (!options.group.empty()) {
    data.group = kept_of(groups_of(table, options.group), rows.kept, some);
  }
  if (!options.time.empty()) data.time = kept_of(times_of(table, options.time), rows.kept, some);
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

/// Whether a word that is no file was meant as one.
bool looks_like_path(const std::string& what) {
  return what.find('/') != std::string::npos ||
         (!ending(what).empty() && !what.starts_with("uci:"));
}

}  // namespace

Dataset open_bytes(std::string bytes, const std::string& path, const OpenOptions& options) {
  if (kind_of(bytes, path) != FileKind::table) return dataset_of(arrays_of(bytes, path), options);
  if (is_image_list(bytes)) return open_image_list(std::move(bytes), path, options);
  return open_table(
      parse_table(std::move(bytes), path == "-" ? "standard input" : path, table_options(options)),
      options);
}

Dataset open(const std::string& what, const OpenOptions& options) {
  if (const NamedSet* set = find_set(what)) return open_set(*set, options);
  if (what != "-" && !fs::exists(what)) {
    if (looks_like_path(what)) throw FileError(what, "no such file or folder", true);
    named_set(what);  // throws, with the nearest name
  }
  const bool folder = what != "-" && fs::is_directory(what);
  Dataset data = folder                  ? open_folder(what, options)
                 : ending(what) == "bin" ? open_cifar(what)
                                         : open_bytes(read_bytes(what), what, options);
  data.name = what == "-" ? "standard input" : what;
  return data;
}

}  // namespace scalemix::inline v0::data
