#include "scalemix/cli/labelled.h"

#include <fmt/format.h>

#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/data/registry.h"
#include "scalemix/run/folder.h"

namespace scalemix::inline v0::cli {
namespace {

/// Named sets and folders may come divided; a file is one piece.
bool may_be_divided(const std::string& what) {
  return data::find_set(what) || (what != "-" && std::filesystem::is_directory(what));
}

data::LabelledRows pick(data::LabelledRows&& all, const std::vector<std::uint32_t>& index) {
  const std::size_t width = all.x.size() / all.rows;
  data::LabelledRows out;
  out.rows = index.size();
  out.labelled = all.labelled;
  out.warnings = std::move(all.warnings);
  for (const std::uint32_t n : index) {
    const auto first = all.x.begin() + static_cast<std::ptrdiff_t>(n * width);
    out.x.insert(out.x.end(), first, first + static_cast<std::ptrdiff_t>(width));
    if (!all.ids.empty()) out.ids.push_back(all.ids[n]);
    if (!all.y.empty()) out.y.push_back(all.y[n]);
    if (!all.label.empty()) out.label.push_back(all.label[n]);
  }
  return out;
}

Labelled open_divided(const RowOptions& o, std::string part, const data::Format& format) {
  const data::Dataset set = data::open(o.data, o.open_options());
  const bool divided = set.splits.size() == 1;
  if (!divided && part != "all" && part != "auto") {
    throw ConfigError(fmt::format("--part {}: {} comes with {} divisions, expected one", part,
                                  o.data, set.splits.size()));
  }
  if (part == "auto") part = divided ? "test" : "all";
  Labelled out{data::rows_of(set, format), part};
  if (part != "all") {
    const data::Split& split = set.splits[0];
    out.rows = pick(std::move(out.rows), part == "test" ? split.test : split.train);
  } else if (set.splits.size() > 1) {
    out.rows.warnings.push_back(fmt::format(
        "{} comes with {} divisions; all its rows are used, including those a model was trained on",
        o.data, set.splits.size()));
  }
  return out;
}

}  // namespace

Labelled open_labelled(const RowOptions& options, const std::string& part,
                       const data::Format& format) {
  if (may_be_divided(options.data)) return open_divided(options, part, format);
  if (part == "test" || part == "train") {
    throw ConfigError(fmt::format("--part {}: {} is not divided into parts", part, options.data));
  }
  return {data::open_rows(options.data, format, data::Labels::required, options.open_options()),
          "all"};
}

void warn_if_trained_on(const std::string& path, const std::string& data) {
  if (!run::trained_on(path, data)) return;
  warn(
      fmt::format("{} is the file it was trained on: most of these rows are not new to it; what "
                  "the run measured on its own test rows is in its metrics.json",
                  data));
}

}  // namespace scalemix::inline v0::cli
