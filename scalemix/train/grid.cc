#include "scalemix/train/grid.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/name_list.h"
#include "scalemix/base/nearest.h"

namespace scalemix::inline v0::train {
namespace {

struct Key {
  const char* name;
  bool positive;  // 0 is refused too
};
constexpr Key kKeys[] = {{"lr", true}, {"penalty", false}, {"weight_decay", false}};

const Key& key_of(const std::string& name) {
  std::vector<std::string> known;
  for (const Key& key : kKeys) {
    if (name == key.name) return key;
    known.emplace_back(key.name);
  }
  throw ConfigError(fmt::format("grid: '{}' cannot differ between replicas (can: {}){}", name,
                                name_list(known), did_you_mean(name, known)));
}

double value_of(const Key& key, const std::string& text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  const bool number = error == std::errc{} && stop == end && std::isfinite(value);
  if (!number || value < 0 || (key.positive && value == 0)) {
    throw ConfigError(fmt::format("grid: {} must be {}, got '{}'", key.name,
                                  key.positive ? "positive" : "0 or more", text));
  }
  return value;
}

std::pair<std::string, std::vector<double>> parse(const std::string& axis) {
  const std::size_t equals = axis.find('=');
  if (equals == std::string::npos || equals + 1 == axis.size()) {
    throw ConfigError(
        fmt::format("grid: expected KEY=V,V,... such as lr=0.001,0.01, got '{}'", axis));
  }
  const Key& key = key_of(axis.substr(0, equals));
  std::pair<std::string, std::vector<double>> out{key.name, {}};
  for (std::size_t from = equals + 1; from <= axis.size();) {
    const std::size_t to = std::min(axis.find(',', from), axis.size());
    out.second.push_back(value_of(key, axis.substr(from, to - from)));
    from = to + 1;
  }
  return out;
}

}  // namespace

std::vector<GridPoint> grid_points(const std::vector<std::string>& axes) {
  std::vector<GridPoint> points(1);
  for (const std::string& axis : axes) {
    const auto [key, values] = parse(axis);
    if (times(points.size(), values.size()) > limit(Limit::replicas)) {
      throw ConfigError(fmt::format("grid: {} points, {}", times(points.size(), values.size()),
                                    beyond(Limit::replicas)));
    }
    std::vector<GridPoint> more;
    for (const GridPoint& point : points) {
      for (const auto& [other, value] : point) {
        if (other == key) throw ConfigError(fmt::format("grid: {} is given twice", key));
      }
      for (const double value : values) {
        more.push_back(point);
        more.back().emplace_back(key, value);
      }
    }
    points = std::move(more);
  }
  return points;
}

}  // namespace scalemix::inline v0::train
