#include "scalemix/predict/importance.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "scalemix/base/check.h"
#include "scalemix/data/split.h"
#include "scalemix/metric/uncertainty.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::predict {
namespace {

/// Negative log-likelihood of each row.
std::vector<double> losses(const Predictor& predictor, const data::LabelledRows& rows) {
  const RowPredictions said = predict_rows({&predictor}, rows);
  std::vector<double> out(rows.rows);
  for (std::size_t n = 0; n < rows.rows; ++n) {
    if (predictor.spec().task == Task::classification) {
      const auto label = static_cast<std::size_t>(rows.label[n]);
      out[n] = -std::log(said.p[n * predictor.outputs() + label]);
    } else {
      const double miss = rows.y[n] - said.mean[n], v = said.variance[n];
      out[n] = (miss * miss / v + std::log(2 * std::numbers::pi * v)) / 2;
    }
  }
  return out;
}

}  // namespace

std::vector<Importance> permutation_importance(const predict::Predictor& predictor,
                                               data::LabelledRows rows,
                                               const std::vector<std::size_t>& widths,
                                               std::uint64_t seed) {
  const std::size_t width = predictor.width();
  check(rows.labelled, "permutation_importance", "the rows have no answers");
  check(std::accumulate(widths.begin(), widths.end(), std::size_t{0}) == width,
        "permutation_importance", "the widths must add up to the network's inputs");
  const std::vector<double> base = losses(predictor, rows);
  const std::vector<float> before = rows.x;
  std::vector<Importance> out;
  std::size_t first = 0;
  for (std::size_t group = 0; group < widths.size(); first += widths[group++]) {
    const auto order = data::permutation(rows.rows, seed, data::Shuffle::importance,
                                         static_cast<std::uint32_t>(group));
    const auto take = [&](const auto& from) {
      for (std::size_t n = 0; n < rows.rows; ++n) {
        std::copy_n(before.begin() + static_cast<std::ptrdiff_t>(from(n) * width + first),
                    widths[group], rows.x.begin() + static_cast<std::ptrdiff_t>(n * width + first));
      }
    };
    take([&](std::size_t n) { return order[n]; });
    std::vector<double> growth = losses(predictor, rows);
    for (std::size_t n = 0; n < rows.rows; ++n) growth[n] -= base[n];
    take([](std::size_t n) { return n; });
    const metric::MeanError m = metric::mean_and_error(growth);
    out.push_back({m.mean, m.error});
  }
  return out;
}

}  // namespace scalemix::inline v0::predict
