#include "scalemix/data/rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/base/name_list.h"
#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/category.h"
#include "scalemix/data/file_kind.h"
#include "scalemix/data/images.h"
#include "scalemix/data/registry.h"
#include "scalemix/data/schema.h"
#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

std::size_t width_of(const std::vector<std::size_t>& shape) {
  std::size_t k = 1;
  for (const std::size_t axis : shape) k *= axis;
  return k;
}

Target target_of(Labels labels) {
  return labels == Labels::required   ? Target::required
         : labels == Labels::optional ? Target::optional
                                      : Target::ignored;
}

void check_shape(const std::string& file, const Format& format,
                 const std::vector<std::size_t>& shape) {
  if (shape == format.shape) return;
  throw DataError(file, 0, 0,
                  fmt::format("the model expects inputs of shape ({}), got ({})",
                              fmt::join(format.shape, ", "), fmt::join(shape, ", ")));
}

/// The coding of a table for a model that was not trained on one: its inputs by position, the
/// target last.
Schema schema_of(const Format& format) {
  if (!format.schema.empty()) return schema_from_text(format.schema);
  const std::size_t k = width_of(format.shape);
  Schema schema = numeric_schema(k + 1, k);
  schema.target.categorical = format.task == Task::classification;
  schema.target.categories = format.classes;
  if (!format.target.empty()) schema.target.name = format.target;
  return schema;
}

LabelledRows from_encoded(Encoded&& encoded, const std::string& file, const Format& format) {
  LabelledRows rows;
  rows.rows = encoded.rows;
  rows.x = std::move(encoded.x);
  rows.labelled = encoded.labelled;
  rows.y = std::move(encoded.y);
  rows.label = std::move(encoded.label);
  rows.ids = std::move(encoded.ids);
  rows.warnings = std::move(encoded.warnings);
  if (rows.rows == 0) throw DataError(file, 0, 0, "there are no rows");
  if (rows.x.size() != rows.rows * width_of(format.shape))
    check_shape(file, format, {rows.x.size() / rows.rows});
  return rows;
}

/// The training table's notation, where none is given.
Notation notation_of(const Schema& schema, const OpenOptions& options) {
  const bool given =
      !options.decimal.empty() || !options.thousands.empty() || !options.units.empty();
  return given ? make_notation(options.decimal, options.thousands, options.units) : schema.notation;
}

LabelledRows read_table_rows(const std::string& bytes, const std::string& path,
                             const Format& format, Labels labels, const OpenOptions& options) {
  if (format.shape.size() != 1) {
    throw DataError(path, 0, 0,
                    fmt::format("the model expects images of shape ({}), got a text table; "
                                "give .npy, .npz, IDX or CIFAR files",
                                fmt::join(format.shape, ", ")));
  }
  const Schema schema = schema_of(format);
  const std::string name = path == "-" ? "standard input" : path;
  TableOptions how{options.header, 0, notation_of(schema, options)};
  // The stored names tell better than the look of the first row whether it is a header; where the
  // model has no names, a header must be announced, or a damaged first row would vanish as one.
  if (!how.header) how.header = false;
  Table table = parse_table(bytes, name, how);
  if (!options.header && schema.header) {
    if (first_row_names(table, schema)) {
      table.take_header();
    } else {
      how.header.reset();
      table = parse_table(bytes, name, how);
    }
  }
  Encoded rows = encode(table, schema, {target_of(labels), false, options.id});
  rows.warnings.insert(rows.warnings.begin(), table.notes().begin(), table.notes().end());
  LabelledRows out = from_encoded(std::move(rows), table.file(), format);
  if (!out.ids.empty()) out.id = options.id.empty() ? schema.id : options.id;
  return out;
}

/// Answers from numbers: targets, or classes by name.
void label_rows(const std::vector<float>& y, const std::string& file, const Format& format,
                Labels labels, LabelledRows& rows) {
  if (format.task == Task::regression) {
    rows.y = y;
    rows.labelled = true;
    return;
  }
  const CategoryIndex classes(format.classes);
  for (std::size_t i = 0; i < y.size(); ++i) {
    const std::int32_t label = classes.find(fmt::format("{}", y[i]));
    if (label >= 0) {
      rows.label.push_back(label);
      continue;
    }
    const DataError error(file, 0, 0,
                          fmt::format("answer {}: {} is not a class the model knows: {}", i + 1,
                                      y[i], name_list(format.classes)));
    if (labels == Labels::required) throw error;
    rows.warnings.push_back(std::string(error.what()) + "; the answers are not used");
    rows.label.clear();
    return;
  }
  rows.labelled = true;
}

/// The same from texts.
void label_rows(const std::vector<std::string>& texts, const std::string& file,
                const Format& format, Labels labels, LabelledRows& rows) {
  if (format.task == Task::regression) {
    if (labels == Labels::required) {
      throw DataError(file, 0, 0, "the answers are texts: expected numbers");
    }
    rows.warnings.push_back(file + ": the answers are texts, not numbers; they are not used");
    return;
  }
  const CategoryIndex classes(format.classes);
  for (const std::string& text : texts) {
    rows.label.push_back(classes.find(text));
    if (rows.label.back() >= 0) continue;
    const DataError error(
        file, 0, 0,
        fmt::format("'{}' is not a class the model knows: {}", text, name_list(format.classes)));
    if (labels == Labels::required) throw error;
    rows.warnings.push_back(std::string(error.what()) + "; the answers are not used");
    rows.label.clear();
    return;
  }
  rows.labelled = true;
}

LabelledRows read_array_rows(const std::string& bytes, const std::string& path,
                             const Format& format, Labels labels) {
  Arrays arrays = arrays_of(bytes, path);
  const bool table = arrays.x.shape.size() == 2;
  if (table && !arrays.answered() &&
      (!format.schema.empty() || input_shape(arrays) != format.shape)) {
    return from_encoded(encode(arrays, schema_of(format), {target_of(labels), false}), path,
                        format);
  }
  check_shape(path, format, input_shape(arrays));
  LabelledRows rows;
  rows.rows = arrays.x.rows();
  rows.x = std::move(arrays.x.values);
  if (!arrays.answered() && labels == Labels::required)
    throw DataError(path, 0, 0, "there are no answers: expected an array y");
  if (!arrays.answered() || labels == Labels::ignored) return rows;
  if (!arrays.y) {
    label_rows(arrays.texts, path, format, labels, rows);
    return rows;
  }
  if (arrays.y->values.size() != rows.rows) {
    throw DataError(path, 0, 0,
                    fmt::format("expected {} answers, got {}", rows.rows, arrays.y->values.size()));
  }
  label_rows(arrays.y->values, path, format, labels, rows);
  return rows;
}

/// Pictures of a folder: of its classes, or of no class where they lie in it directly.
LabelledRows image_rows(const std::string& path, const Format& format, Labels labels,
                        const OpenOptions& options) {
  Dataset data = open_images(path, options, labels != Labels::required);
  if (data.label.empty() && !data.x.empty()) {
    check_shape(path, format, data.shape);
    LabelledRows rows;
    rows.x = std::move(data.x);
    rows.rows = rows.x.size() / width_of(format.shape);
    return rows;
  }
  return rows_of(data, format, labels);
}

}  // namespace

Format format_of(const Dataset& data) {
  return {data.task, data.shape, data.classes, data.target, data.schema};
}

LabelledRows open_rows(const std::string& what, const Format& format, Labels labels,
                       const OpenOptions& options) {
  const bool set = find_set(what) != nullptr;
  const bool here = what == "-" || fs::exists(what);
  if (set || !here || fs::is_directory(what) || ending(what) == "bin") {
    OpenOptions sized = options;
    if (format.shape.size() == 3) sized.image = format.shape;
    if (!set && here && is_image_folder(what)) return image_rows(what, format, labels, sized);
    // A word that is neither set nor file throws there.
    return rows_of(open(what, sized), format, labels);
  }
  const std::string bytes = read_bytes(what);
  return kind_of(bytes, what) == FileKind::table
             ? read_table_rows(bytes, what, format, labels, options)
             : read_array_rows(bytes, what, format, labels);
}

LabelledRows rows_of(const Dataset& data, const Format& format, Labels labels) {
  check_shape(data.name, format, data.shape);
  if (labels == Labels::ignored) {
    LabelledRows rows;
    rows.rows = data.rows();
    rows.x = data.x;
    return rows;
  }
  if (data.task != format.task) {
    throw DataError(data.name, 0, 0,
                    fmt::format("the model was trained for {}, this data set is for {}",
                                format.task == Task::regression ? "regression" : "classification",
                                data.task == Task::regression ? "regression" : "classification"));
  }
  LabelledRows rows;
  rows.rows = data.rows();
  rows.x = data.x;
  rows.labelled = true;
  rows.y = data.y;
  const CategoryIndex classes(format.classes);
  for (const std::int32_t label : data.label) {
    const std::string& name = data.classes[static_cast<std::size_t>(label)];
    rows.label.push_back(classes.find(name));
    if (rows.label.back() < 0) {
      throw DataError(
          data.name, 0, 0,
          fmt::format("'{}' is not a class the model knows: {}", name, name_list(format.classes)));
    }
  }
  return rows;
}

LabelledRows rows_of(const Dataset& data, const std::vector<std::uint32_t>& rows) {
  LabelledRows out;
  out.rows = rows.size();
  out.labelled = true;
  const std::size_t k = data.width();
  out.x.reserve(rows.size() * k);
  for (const std::uint32_t row : rows) {
    out.x.insert(out.x.end(), data.x.begin() + static_cast<std::ptrdiff_t>(row * k),
                 data.x.begin() + static_cast<std::ptrdiff_t>((row + 1) * k));
    if (data.task == Task::regression) {
      out.y.push_back(data.y[row]);
    } else {
      out.label.push_back(data.label[row]);
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::data
