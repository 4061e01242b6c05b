#include "scalemix/predict/calibrate.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/metric/calibration.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::predict {
namespace {

model::Model with(const model::Model& model, const model::Calibration& calibration) {
  model::Model out = model;
  out.preprocessing.calibration = calibration;
  return out;
}

RowPredictions predictions(const Predictor& predictor, const data::LabelledRows& rows,
                           const CalibrateOptions& o) {
  return predict_rows({&predictor}, rows, {.samples = o.samples, .seed = o.seed});
}

bool classifies(const Predictor& predictor) {
  return predictor.spec().task == Task::classification;
}

/// Conformal scores of rows.
std::vector<double> scores(const Predictor& predictor, const data::LabelledRows& rows,
                           const RowPredictions& said) {
  std::vector<double> out;
  const std::size_t classes = predictor.outputs();
  for (std::size_t n = 0; n < rows.rows; ++n) {
    out.push_back(classifies(predictor)
                      ? 1 - said.p[n * classes + static_cast<std::size_t>(rows.label[n])]
                      : std::abs(rows.y[n] - said.mean[n]) / std::sqrt(said.variance[n]));
  }
  return out;
}

}  // namespace

model::Calibration calibrate(const Predictor& predictor, const data::LabelledRows& rows,
                             const CalibrateOptions& o) {
  evaluate({&predictor}, rows, {.seed = o.seed});  // refuses what does not fit
  model::Calibration out;
  const Predictor plain(with(predictor.model(), out));
  if (classifies(plain)) {
    Context context(plain);
    std::vector<float> logits;
    predict_outputs(context, rows.x, rows.rows, {.samples = o.samples, .seed = o.seed}, logits);
    out.temperature =
        metric::best_temperature(logits, std::max<std::size_t>(1, o.samples), rows.label);
  }
  const Predictor cooled(with(predictor.model(), out));
  out.quantile =
      metric::conformal_quantile(scores(cooled, rows, predictions(cooled, rows, o)), o.level);
  if (!std::isfinite(out.quantile)) {
    fail<std::invalid_argument>("calibrate", "too few rows for the level", rows.rows);
  }
  out.level = o.level;
  return out;
}

Conformal conformal_coverage(const Predictor& predictor, const data::LabelledRows& rows,
                             const CalibrateOptions& o) {
  const model::Calibration& c = predictor.preprocessing().calibration;
  check(c.level > 0, "conformal_coverage", "the model is not calibrated");
  const RowPredictions said = predictions(predictor, rows, o);
  Conformal out;
  const double share = 1 / static_cast<double>(rows.rows);
  for (const double score : scores(predictor, rows, said))
    out.coverage += (score <= c.quantile) * share;
  if (classifies(predictor)) {
    for (const double p : said.p) out.size += (1 - p <= c.quantile) * share;
  } else {
    for (const double v : said.variance) out.size += 2 * c.quantile * std::sqrt(v) * share;
  }
  return out;
}

}  // namespace scalemix::inline v0::predict
