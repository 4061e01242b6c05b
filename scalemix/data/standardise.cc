#include "scalemix/data/standardise.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/error.h"

namespace scalemix::inline v0::data {
namespace {

/// Count, range, mean and spread of columns of `data.x`, NaN left out.
struct Columns {
  explicit Columns(std::size_t k) : count(k), low(k), high(k), mean(k), sd(k) {}

  std::vector<std::size_t> count;
  std::vector<float> low, high;
  std::vector<double> mean, sd;
};

Columns summarise(const Dataset& data, std::span<const std::uint32_t> rows) {
  const std::size_t k = data.width();
  Columns c(k);
  for (const std::uint32_t row : rows) {
    const float* x = data.x.data() + row * k;
    for (std::size_t j = 0; j < k; ++j) {
      if (std::isnan(x[j])) continue;
      c.low[j] = c.count[j] ? std::min(c.low[j], x[j]) : x[j];
      c.high[j] = c.count[j] ? std::max(c.high[j], x[j]) : x[j];
      c.mean[j] += x[j];
      ++c.count[j];
    }
  }
  for (std::size_t j = 0; j < k; ++j)
    c.mean[j] /= static_cast<double>(std::max<std::size_t>(c.count[j], 1));
  for (const std::uint32_t row : rows) {
    const float* x = data.x.data() + row * k;
    for (std::size_t j = 0; j < k; ++j) {
      const double d = x[j] - c.mean[j];
      if (!std::isnan(d)) c.sd[j] += d * d;
    }
  }
  for (std::size_t j = 0; j < k; ++j) {
    c.sd[j] = std::sqrt(c.sd[j] / static_cast<double>(std::max<std::size_t>(c.count[j], 1)));
  }
  return c;
}

std::string column_name(const Dataset& data, std::size_t j) {
  return j < data.features.size() ? data.features[j] : std::to_string(j + 1);
}

/// 255 for bytes; images that are scaled already (all pixels within one of zero) keep their scale.
float pixel_scale(const Columns& c) {
  for (std::size_t j = 0; j < c.count.size(); ++j) {
    if (std::max(std::abs(c.low[j]), std::abs(c.high[j])) > 1) return 255;
  }
  return 1;
}

void standardise_target(const Dataset& data, std::span<const std::uint32_t> rows,
                        Standardisation& s) {
  double sum = 0, squares = 0;
  for (const std::uint32_t row : rows) sum += data.y[row];
  s.target_mean = sum / static_cast<double>(rows.size());
  if (constant_target(data, rows)) return;
  for (const std::uint32_t row : rows) {
    squares += (data.y[row] - s.target_mean) * (data.y[row] - s.target_mean);
  }
  s.target_scale = std::sqrt(squares / static_cast<double>(rows.size()));
}

}  // namespace

Standardisation standardise(const Dataset& data, std::span<const std::uint32_t> rows) {
  if (rows.empty()) throw DataError(data.name, 0, 0, "the split has no training rows");
  const Columns c = summarise(data, rows);
  Standardisation s;
  for (std::size_t j = 0; j < c.count.size(); ++j) {
    if (c.count[j] == 0) {
      throw DataError(data.name, 0, 0,
                      "column '" + column_name(data, j) + "' has no number in the training rows");
    }
    const bool constant = c.low[j] == c.high[j];
    s.mean.push_back(constant ? c.low[j] : static_cast<float>(c.mean[j]));
    s.scale.push_back(constant ? 1 : static_cast<float>(c.sd[j]));
    // Numbers so near to each other that their spread vanishes in float.
    if (!(s.scale[j] > 0)) s.scale[j] = 1;
  }
  if (data.images()) std::fill(s.scale.begin(), s.scale.end(), pixel_scale(c));
  if (data.task == Task::regression) standardise_target(data, rows, s);
  return s;
}

double share_of_zeros(const Dataset& data) {
  const auto zeros = std::count(data.x.begin(), data.x.end(), 0.0f);
  return static_cast<double>(zeros) / static_cast<double>(std::max<std::size_t>(data.x.size(), 1));
}

bool constant_target(const Dataset& data, std::span<const std::uint32_t> rows) {
  return data.task == Task::regression && std::all_of(rows.begin(), rows.end(), [&](auto row) {
           return data.y[row] == data.y[rows[0]];
         });
}

std::vector<std::string> constant_columns(const Dataset& data,
                                          std::span<const std::uint32_t> rows) {
  const Columns c = summarise(data, rows);
  std::vector<std::string> names;
  for (std::size_t j = 0; j < c.count.size(); ++j) {
    if (c.count[j] > 0 && c.low[j] == c.high[j]) names.push_back(column_name(data, j));
  }
  return names;
}

}  // namespace scalemix::inline v0::data
