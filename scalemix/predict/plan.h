// A model ready to predict: its program, with weights and what is made of them, and the memory that
// a caller needs.
#pragma once

#include <vector>

#include "scalemix/engine/program.h"
#include "scalemix/predict/crossover.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::predict {

struct Predictor::Plan {
  /// Throws std::invalid_argument if the model does not fit its spec.
  Plan(model::Model model, const Crossover& crossover);

  model::Model model;
  engine::Layout layout;
  engine::Program program;
  std::vector<float> values, state, prepared;
  std::vector<float> noise_variance;  // regression: (outputs), user's units squared
  std::size_t first_draw, widest;

  /// A frame for `rows` rows.
  engine::Frame frame(engine::Mode mode, std::size_t rows) const;
};

struct Context::Scratch {
  /// One of a prediction without draws, one of a prediction with draws.
  std::optional<engine::Schedule> deterministic, sampled;
  std::vector<float> memory;
  std::vector<float> still;                       // outputs of a network that does not draw
  std::vector<double> mean, square_sum, entropy;  // over the draws of a block
  std::vector<double> draw_entropy;               // of one draw

  /// The schedule for a pass of `rows` rows, with memory for it. What is there never shrinks.
  const engine::Schedule& reserve(const Predictor::Plan& plan, std::size_t rows, bool draws);
};

}  // namespace scalemix::inline v0::predict
