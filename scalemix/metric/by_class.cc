#include "scalemix/metric/by_class.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "scalemix/metric/classification.h"
#include "scalemix/metric/detection.h"

namespace scalemix::inline v0::metric {
namespace {

using Score = double (*)(std::span<const double>, std::span<const std::uint8_t>);

/// The mean of a score over classes, or that of the second of two.
double of_classes(std::span<const double> p, std::span<const std::int32_t> label, Score score) {
  confusion(p, label);  // checks sizes and labels
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (std::any_of(p.begin(), p.end(), [](double v) { return std::isnan(v); })) return kNone;
  const std::size_t rows = label.size(), classes = p.size() / rows;
  std::vector<double> column(rows);
  std::vector<std::uint8_t> positive(rows);
  double sum = 0;
  std::size_t counted = 0;
  for (std::size_t c = classes == 2 ? 1 : 0; c < classes; ++c) {
    for (std::size_t n = 0; n < rows; ++n) {
      column[n] = p[n * classes + c];
      positive[n] = label[n] == static_cast<std::int32_t>(c);
    }
    const auto count = std::count(positive.begin(), positive.end(), std::uint8_t{1});
    if (count == 0 || static_cast<std::size_t>(count) == rows) continue;
    sum += score(column, positive);
    ++counted;
  }
  return counted ? sum / static_cast<double>(counted) : kNone;
}

/// Rows of class c, rows predicted as c, rows that are both.
struct Counts {
  double rows = 0, predicted = 0, hits = 0;
};

std::vector<Counts> counts_of(std::span<const double> p, std::span<const std::int32_t> label) {
  const std::vector<std::size_t> matrix = confusion(p, label);
  const std::size_t classes = p.size() / label.size();
  std::vector<Counts> out(classes);
  for (std::size_t row = 0; row < classes; ++row) {
    for (std::size_t column = 0; column < classes; ++column) {
      const auto n = static_cast<double>(matrix[row * classes + column]);
      out[row].rows += n;
      out[column].predicted += n;
      if (row == column) out[row].hits += n;
    }
  }
  return out;
}

}  // namespace

double class_auroc(std::span<const double> p, std::span<const std::int32_t> label) {
  return of_classes(p, label, auroc);
}

double class_average_precision(std::span<const double> p, std::span<const std::int32_t> label) {
  return of_classes(p, label, average_precision);
}

double balanced_accuracy(std::span<const double> p, std::span<const std::int32_t> label) {
  double sum = 0, counted = 0;
  for (const Counts& c : counts_of(p, label)) {
    if (c.rows == 0) continue;
    sum += c.hits / c.rows;
    ++counted;
  }
  return sum / counted;
}

double f1(std::span<const double> p, std::span<const std::int32_t> label) {
  const std::vector<Counts> counts = counts_of(p, label);
  double sum = 0, counted = 0;
  for (std::size_t c = counts.size() == 2 ? 1 : 0; c < counts.size(); ++c) {
    const double all = counts[c].rows + counts[c].predicted;
    if (all == 0) continue;
    sum += 2 * counts[c].hits / all;
    ++counted;
  }
  return counted > 0 ? sum / counted : 0;
}

}  // namespace scalemix::inline v0::metric
