#include "scalemix/data/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/number_text.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/category.h"
#include "scalemix/data/census.h"
#include "scalemix/data/picture.h"
#include "scalemix/data/table.h"

namespace scalemix::inline v0::data {
namespace {

namespace fs = std::filesystem;

/// What lies in a folder, in the order of the names; hidden files aside.
std::vector<fs::path> sorted(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!entry.path().filename().string().starts_with(".")) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> pictures_in(const fs::path& folder) {
  std::vector<std::string> out;
  for (const fs::path& path : sorted(folder)) {
    if (!fs::is_directory(path) && is_picture(path.string())) out.push_back(path.string());
  }
  return out;
}

bool has_pictures(const fs::path& folder) { return !pictures_in(folder).empty(); }

std::vector<fs::path> folders_in(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const fs::path& path : sorted(folder)) {
    if (fs::is_directory(path)) out.push_back(path);
  }
  return out;
}

bool is_divided(const fs::path& folder) {
  return fs::is_directory(folder / "train") && fs::is_directory(folder / "test") &&
         !has_pictures(folder / "train");
}

/// Pictures of one size and one number of channels, appended as rows.
class Gallery {
 public:
  Gallery(Dataset& data, const OpenOptions& options) : data_(data) {
    const std::vector<std::size_t>& size = options.image;
    if (size.empty()) return;
    if (size.size() == 3) channels_ = size[0];
    height_ = size[size.size() - 2], width_ = size.back();
    given_ = true;
  }

  void add(const std::string& path) {
    Picture picture = read_picture(path);
    if (height_ == 0) {
      height_ = picture.height, width_ = picture.width, first_ = path;
    }
    const bool fits = picture.height == height_ && picture.width == width_;
    if (!fits && !given_) {
      throw DataError(path, 0, 0,
                      fmt::format("is {} x {}, {} is {} x {}: give --image-size HxW to bring all "
                                  "pictures to one size",
                                  picture.height, picture.width, first_, height_, width_));
    }
    picture = resized(picture, height_, width_);
    colour_ |= picture.channels == 3;
    pictures_.push_back(std::move(picture));
  }

  /// Rows of all, in three channels if one has them.
  void finish() {
    const std::size_t channels = channels_ ? channels_ : colour_ ? 3 : 1;
    data_.shape = {channels, height_, width_};
    for (Picture& picture : pictures_) {
      const Picture out = with_channels(std::move(picture), channels);
      data_.x.insert(data_.x.end(), out.values.begin(), out.values.end());
    }
  }

 private:
  Dataset& data_;
  std::vector<Picture> pictures_;
  std::string first_;
  std::size_t channels_ = 0, height_ = 0, width_ = 0;
  bool given_ = false, colour_ = false;
};

/// The classes of a folder, whose pictures join the data.
void add_classes(const fs::path& folder, Dataset& data, Gallery& gallery) {
  for (const fs::path& of : folders_in(folder)) {
    const std::vector<std::string> pictures = pictures_in(of);
    if (pictures.empty()) {
      throw DataError(of.string(), 0, 0, "is a class without a .png or .jpg picture");
    }
    const std::string name = of.filename().string();
    const auto known = std::find(data.classes.begin(), data.classes.end(), name);
    const auto label = static_cast<std::int32_t>(known - data.classes.begin());
    if (known == data.classes.end()) data.classes.push_back(name);
    for (const std::string& path : pictures) {
      gallery.add(path);
      data.label.push_back(label);
    }
  }
}

void add_range(std::size_t from, std::size_t to, std::vector<std::uint32_t>& out) {
  for (std::size_t i = from; i < to; ++i) out.push_back(static_cast<std::uint32_t>(i));
}

}  // namespace

bool is_image_folder(const std::string& folder) {
  if (!fs::is_directory(folder)) return false;
  if (has_pictures(folder) || is_divided(folder)) return true;
  const std::vector<fs::path> inner = folders_in(folder);
  return std::any_of(inner.begin(), inner.end(), has_pictures);
}

Dataset open_images(const std::string& folder, const OpenOptions& options, bool unlabelled) {
  Dataset data;
  data.name = folder;
  data.task = Task::classification;
  Gallery gallery(data, options);
  if (has_pictures(folder)) {
    if (!unlabelled) {
      throw DataError(folder, 0, 0,
                      "holds pictures without classes: expected a folder for each class");
    }
    for (const std::string& path : pictures_in(folder)) gallery.add(path);
  } else if (is_divided(folder)) {
    add_classes(fs::path(folder) / "train", data, gallery);
    const std::size_t train = data.label.size(), classes = data.classes.size();
    add_classes(fs::path(folder) / "test", data, gallery);
    if (data.classes.size() > classes) {
      throw DataError((fs::path(folder) / "test").string(), 0, 0,
                      fmt::format("'{}' is a class that train has not", data.classes[classes]));
    }
    Split split;
    add_range(0, train, split.train);
    add_range(train, data.label.size(), split.test);
    data.splits = {split};
  } else {
    add_classes(folder, data, gallery);
  }
  if (!data.label.empty() && data.classes.size() < 2) {
    throw DataError(folder, 0, 0,
                    fmt::format("expected two classes at least, got '{}'", data.classes[0]));
  }
  gallery.finish();
  return data;
}

bool is_image_list(std::string_view text) {
  const std::size_t line = text.find('\n');
  if (line == std::string_view::npos) return false;
  const std::string_view second = text.substr(line + 1);
  std::string cell(second.substr(0, second.find_first_of(",;|\t\r\n")));
  std::erase(cell, '"');
  return is_picture(cell);
}

Dataset open_image_list(std::string text, const std::string& path, const OpenOptions& options) {
  const Table table = parse_table(std::move(text), path, {options.header.value_or(true), 0});
  if (table.columns() != 2) {
    throw DataError(path, 0, 0,
                    fmt::format("expected a column of paths and one of answers, got {} columns",
                                table.columns()));
  }
  Dataset data;
  data.name = path;
  data.target = table.names()[1];
  std::vector<std::string> answers;
  bool numbers = true;
  Gallery gallery(data, options);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const fs::path file(std::string(table.cell(row, 0)));
    gallery.add((file.is_absolute() ? file : fs::path(path).parent_path() / file).string());
    answers.emplace_back(table.cell(row, 1));
    numbers &= read_number(answers.back()).has_value();
  }
  gallery.finish();
  data.task = options.task.value_or(numbers ? Task::regression : Task::classification);
  if (data.task == Task::regression) {
    for (std::size_t row = 0; row < answers.size(); ++row) {
      const std::optional<double> value = read_number(answers[row]);
      if (!value) {
        throw DataError(path, table.line(row), 2,
                        fmt::format("expected a number, got '{}'", answers[row]));
      }
      data.y.push_back(static_cast<float>(*value));
    }
    return data;
  }
  Categories found = find_categories(table, 1, answers.size());
  data.classes = std::move(found.names);
  data.notes = std::move(found.notes);
  std::sort(data.classes.begin(), data.classes.end());
  if (data.classes.size() < 2) throw DataError(path, 0, 0, "expected two classes at least");
  const CategoryIndex classes(data.classes);
  for (std::size_t row = 0; row < answers.size(); ++row) {
    data.label.push_back(classes.find(answers[row]));
    if (data.label.back() >= 0) continue;
    throw DataError(path, table.line(row), 2, "a value is missing in the column of classes");
  }
  return data;
}

}  // namespace scalemix::inline v0::data
