#include "scalemix/data/generate.h"

#include <numbers>
#include <numeric>
#include <string>

#include "scalemix/base/check.h"
#include "scalemix/base/limits.h"
#include "scalemix/data/array.h"
#include "scalemix/data/row_draws.h"
#include "scalemix/data/schema.h"

namespace scalemix::inline v0::data {
namespace {

using std::numbers::pi;

void check_arguments(const char* who, std::size_t rows, std::size_t width, double noise) {
  check_rows(who, rows, width);
  if (!(std::isfinite(noise) && noise >= 0)) {
    fail<std::domain_error>(who, "noise must be non-negative and finite", noise);
  }
}

Split last_fifth_for_testing(std::size_t rows) {
  Split split;
  split.train.resize(rows - (rows + 4) / 5);
  split.test.resize((rows + 4) / 5);
  std::iota(split.train.begin(), split.train.end(), 0u);
  std::iota(split.test.begin(), split.test.end(), static_cast<std::uint32_t>(split.train.size()));
  return split;
}

Dataset table(const char* name, Task task, std::size_t rows, std::size_t width,
              std::vector<std::string> classes = {}) {
  Dataset data;
  data.name = name;
  data.task = task;
  data.shape = {width};
  data.target = "y";
  for (std::size_t j = 0; j < width; ++j) data.features.push_back("x" + std::to_string(j));
  data.splits = {last_fifth_for_testing(rows)};
  data.classes = std::move(classes);
  // As if read from a file with a header, so that a trained model takes one.
  Schema schema = numeric_schema(width + 1, width);
  schema.header = true;
  for (std::size_t j = 0; j < width; ++j) schema.inputs[j].name = data.features[j];
  schema.target.name = data.target;
  schema.target.categorical = task == Task::classification;
  schema.target.categories = data.classes;
  data.schema = to_text(schema);
  return data;
}

}  // namespace

void check_rows(const char* who, std::size_t rows, std::size_t width) {
  if (rows < 2) fail<std::domain_error>(who, "rows must be at least 2", rows);
  const std::uint64_t numbers = times(rows, width + 1);  // and an answer each
  if (numbers <= limit(Limit::generated)) return;
  throw std::domain_error(std::string(who) + ": " + std::to_string(rows) + " rows are " +
                          beyond(Limit::generated));
}

Dataset friedman1(std::size_t rows, std::uint64_t seed, double noise) {
  check_arguments("friedman1", rows, 10, noise);
  Dataset data = table("friedman1", Task::regression, rows, 10);
  for (std::size_t i = 0; i < rows; ++i) {
    RowDraws draw(seed, Generator::friedman1, i);
    float x[10];
    for (float& value : x) value = static_cast<float>(draw.uniform());
    const double bend = x[2] - 0.5;
    const double mean = 10 * std::sin(pi * x[0] * x[1]) + 20 * bend * bend + 10 * x[3] + 5 * x[4];
    data.x.insert(data.x.end(), x, x + 10);
    data.y.push_back(static_cast<float>(mean + noise * draw.normal()));
  }
  return data;
}

Dataset moons(std::size_t rows, std::uint64_t seed, double noise) {
  check_arguments("moons", rows, 2, noise);
  Dataset data = table("moons", Task::classification, rows, 2, {"upper", "lower"});
  for (std::size_t i = 0; i < rows; ++i) {
    RowDraws draw(seed, Generator::moons, i);
    const bool lower = draw.uniform() < 0.5;
    const double angle = draw.uniform(0, pi);
    const double x0 = lower ? 1 - std::cos(angle) : std::cos(angle);
    const double x1 = lower ? 0.5 - std::sin(angle) : std::sin(angle);
    data.x.push_back(static_cast<float>(x0 + noise * draw.normal()));
    data.x.push_back(static_cast<float>(x1 + noise * draw.normal()));
    data.label.push_back(lower);
  }
  return data;
}

}  // namespace scalemix::inline v0::data
