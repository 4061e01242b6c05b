#include "scalemix/data/describe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string_view>

#include "scalemix/base/name_list.h"
#include "scalemix/base/printable.h"
#include "scalemix/data/standardise.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kMostShown = 24;  // columns, or classes, for people

/// Statistics of `count` numbers, `stride` apart; NaN counts as missing.
template <class T>
ColumnSummary summarise(std::string name, const T* first, std::size_t count, std::size_t stride) {
  ColumnSummary c;
  c.name = std::move(name);
  std::vector<T> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (!std::isnan(first[i * stride])) values.push_back(first[i * stride]);
  }
  c.missing = count - values.size();
  if (values.empty()) return c;
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  const std::size_t middle = values.size() / 2;
  c.min = values.front();
  c.max = values.back();
  c.median =
      values.size() % 2
          ? values[middle]
          : 0.5 * (static_cast<double>(values[middle - 1]) + static_cast<double>(values[middle]));
  c.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    squares += (values[i] - c.mean) * (values[i] - c.mean);
    c.distinct += i == 0 || values[i] != values[i - 1];
  }
  c.sd = std::sqrt(squares / n);
  return c;
}

/// How many rows repeat an earlier one, inputs and answer alike; seen by a hash of 64 bits.
std::size_t repeated_rows(const Dataset& data) {
  const std::size_t k = data.width();
  std::vector<std::size_t> seen(data.rows());
  for (std::size_t i = 0; i < data.rows(); ++i) {
    const std::string_view row(reinterpret_cast<const char*>(data.x.data() + i * k),
                               k * sizeof(float));
    const float y = data.task == Task::regression ? data.y[i] : static_cast<float>(data.label[i]);
    const std::string_view answer(reinterpret_cast<const char*>(&y), sizeof y);
    const std::hash<std::string_view> hash;
    seen[i] = hash(row) * 0x9E3779B97F4A7C15u + hash(answer);
  }
  std::sort(seen.begin(), seen.end());
  return static_cast<std::size_t>(seen.end() - std::unique(seen.begin(), seen.end()));
}

void add_notes(const Dataset& data, Description& d) {
  d.notes = data.notes;
  if (data.images()) return;
  std::vector<std::uint32_t> rows(data.rows());
  std::iota(rows.begin(), rows.end(), 0u);
  const auto constant = constant_columns(data, rows);
  if (constant_target(data, rows))
    d.notes.push_back("the target is constant: there is nothing to learn");
  if (!constant.empty())
    d.notes.push_back(fmt::format("constant columns: {}", name_list(constant)));
  std::size_t missing = 0;
  for (const ColumnSummary& c : d.columns) missing += c.missing;
  if (missing > 0) d.notes.push_back(fmt::format("missing numbers: {}", missing));
  if (const std::size_t repeated = repeated_rows(data))
    d.notes.push_back(fmt::format("repeated rows: {}", repeated));
}

nlohmann::json to_json(const ColumnSummary& c) {
  return {{"name", c.name}, {"missing", c.missing}, {"distinct", c.distinct}, {"mean", c.mean},
          {"sd", c.sd},     {"min", c.min},         {"median", c.median},     {"max", c.max}};
}

std::string line(const ColumnSummary& c, std::size_t width) {
  return fmt::format("  {:<{}}  {:>11.5g} {:>11.5g} {:>11.5g} {:>11.5g} {:>11.5g} {:>9} {:>8}\n",
                     c.name, width, c.mean, c.sd, c.min, c.median, c.max, c.distinct, c.missing);
}

}  // namespace

Description describe(const Dataset& data) {
  Description d;
  d.name = data.name;
  d.task = data.task;
  d.rows = data.rows();
  d.splits = data.splits.size();
  d.shape = data.shape;
  const std::size_t k = data.width();
  if (data.images()) {
    d.columns.push_back(summarise("pixel", data.x.data(), data.x.size(), 1));
  } else {
    for (std::size_t j = 0; j < k; ++j) {
      const std::string name = j < data.features.size() ? data.features[j] : std::to_string(j + 1);
      d.columns.push_back(data.exact_x.empty()
                              ? summarise(name, data.x.data() + j, data.rows(), k)
                              : summarise(name, data.exact_x.data() + j, data.rows(), k));
    }
  }
  const std::string target = data.target.empty() ? "target" : data.target;
  if (data.task == Task::regression)
    d.target.push_back(data.exact_y.empty()
                           ? summarise(target, data.y.data(), data.rows(), 1)
                           : summarise(target, data.exact_y.data(), data.rows(), 1));
  for (const std::string& name : data.classes) d.classes.push_back({name, 0});
  for (const std::int32_t label : data.label) ++d.classes[static_cast<std::size_t>(label)].rows;
  add_notes(data, d);
  return d;
}

nlohmann::json to_json(const Description& d) {
  nlohmann::json json = {{"name", d.name},
                         {"task", d.task == Task::regression ? "regression" : "classification"},
                         {"rows", d.rows},
                         {"shape", d.shape},
                         {"splits", d.splits},
                         {"notes", d.notes},
                         {"columns", nlohmann::json::array()}};
  for (const ColumnSummary& c : d.columns) json["columns"].push_back(to_json(c));
  if (!d.target.empty()) json["target"] = to_json(d.target[0]);
  for (const ClassSummary& c : d.classes)
    json["classes"].push_back({{"name", c.name}, {"rows", c.rows}});
  return json;
}

std::string to_text(const Description& d) {
  std::string text =
      fmt::format("{}: {}, {} rows, inputs ({}), {} split{}\n", d.name,
                  d.task == Task::regression ? "regression" : "classification", d.rows,
                  fmt::join(d.shape, ", "), d.splits, d.splits == 1 ? "" : "s");
  std::size_t width = 6;
  const std::size_t shown = d.columns.size() > kMostShown ? kMostShown - 1 : d.columns.size();
  for (std::size_t j = 0; j < shown; ++j) width = std::max(width, d.columns[j].name.size());
  for (const ColumnSummary& c : d.target) width = std::max(width, c.name.size() + 9);
  text += fmt::format("\n  {:<{}}  {:>11} {:>11} {:>11} {:>11} {:>11} {:>9} {:>8}\n", "column",
                      width, "mean", "sd", "min", "median", "max", "distinct", "missing");
  for (std::size_t j = 0; j < shown; ++j) text += line(d.columns[j], width);
  if (shown < d.columns.size()) {
    text += fmt::format("  ... and {} more columns (--json has all)\n", d.columns.size() - shown);
  }
  for (ColumnSummary c : d.target) {
    c.name += " (target)";
    text += line(c, width);
  }
  if (!d.classes.empty())
    text += fmt::format("\n  {:<{}}  {:>11} {:>11}\n", "class", width, "rows", "share");
  const std::size_t classes = d.classes.size() > kMostShown ? kMostShown - 1 : d.classes.size();
  for (std::size_t k = 0; k < classes; ++k) {
    const ClassSummary& c = d.classes[k];
    text += fmt::format("  {:<{}}  {:>11} {:>10.2f}%\n", c.name, width, c.rows,
                        100.0 * static_cast<double>(c.rows) / static_cast<double>(d.rows));
  }
  if (classes < d.classes.size()) {
    text += fmt::format("  ... and {} more classes\n", d.classes.size() - classes);
  }
  if (!d.notes.empty()) text += '\n';
  for (const std::string& note : d.notes) text += "  note: " + note + '\n';
  return printable(text, true);
}

}  // namespace scalemix::inline v0::data
