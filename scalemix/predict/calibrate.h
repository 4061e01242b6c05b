// Calibrating a trained network on held-out rows: temperature and conformal quantile (metric/calibration.h),
// for the model file.
#pragma once

#include <cstdint>

#include "scalemix/data/rows.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::predict {

struct CalibrateOptions {
  std::size_t samples = 0;  // Monte-Carlo draws; 0: the deterministic pass
  std::uint64_t seed = 0;
  double level = 0.9;
};

/// What the rows make of the network, whatever calibration it has. Throws as evaluate() does, and
/// std::invalid_argument where the rows are too few for the level.
model::Calibration calibrate(const Predictor& predictor, const data::LabelledRows& rows,
                             const CalibrateOptions& options);

/// Share of rows whose answer is in the interval, or set of classes, that the network's calibration gives,
/// and how many classes a set has on average (of a regression: how wide an interval is).
struct Conformal {
  double coverage = 0, size = 0;
};
Conformal conformal_coverage(const Predictor& predictor, const data::LabelledRows& rows,
                             const CalibrateOptions& options);

}  // namespace scalemix::inline v0::predict
