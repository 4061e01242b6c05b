// What units of a trained network say, and how far they depend on each other.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::study {

struct Activations {
  std::size_t rows = 0, units = 0;
  std::vector<float> values;  // (rows, units)
};

/// What the last layer with weights takes, of rows x (rows, K): of a deterministic pass, or of draw 0 if
/// options.samples is not 0. Throws std::invalid_argument if that layer stands in a residual block.
Activations last_inputs(const model::Model& model, std::span<const float> x, std::size_t rows,
                        const predict::PredictOptions& options = {});

/// Means over pairs of units that vary, at most `pairs` of them, spread evenly over all.
struct Dependence {
  double correlation = 0;  // its size
  double information = 0;  // nats, by histogram
};
Dependence dependence(const Activations& activations, std::size_t pairs = 500);

}  // namespace scalemix::inline v0::study
