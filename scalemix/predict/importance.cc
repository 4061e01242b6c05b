#include "scalemix/predict/importance.h"

#include "scalemix/data/split.h"
#include "scalemix/predict/evaluate.h"

namespace scalemix::inline v0::predict {
namespace {

double loss(const predict::Predictor& predictor, const data::LabelledRows& rows) {
  const Evaluation e = evaluate({&predictor}, rows, {.samples = 0, .seed = 0});
  return predictor.spec().task == Task::regression ? -e.at("log_likelihood") : e.at("nll");
}

}  // namespace

std::vector<double> permutation_importance(const predict::Predictor& predictor,
                                           data::LabelledRows rows, std::uint64_t seed) {
  const double base = loss(predictor, rows);
  const std::size_t width = predictor.width();
  std::vector<double> importance;
  std::vector<float> column(rows.rows);
  for (std::size_t k = 0; k < width; ++k) {
    const auto order = data::permutation(rows.rows, seed, data::Shuffle::importance,
                                         static_cast<std::uint32_t>(k));
    for (std::size_t n = 0; n < rows.rows; ++n) column[n] = rows.x[n * width + k];
    for (std::size_t n = 0; n < rows.rows; ++n) rows.x[n * width + k] = column[order[n]];
    importance.push_back(loss(predictor, rows) - base);
    for (std::size_t n = 0; n < rows.rows; ++n) rows.x[n * width + k] = column[n];
  }
  return importance;
}

}  // namespace scalemix::inline v0::predict
