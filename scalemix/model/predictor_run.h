// Running a plan over one block of rows.
#pragma once

#include <vector>

#include "scalemix/model/predictor_plan.h"

namespace scalemix::inline v0::model {

struct Context::Scratch {
  std::vector<std::array<std::vector<float>, 2>> levels;  // activations, a pair a level of nesting
  std::vector<float> prefix;                              // input of the first step that draws
  std::vector<float> square, variance;                    // svdo
  std::vector<float> weights;                             // dropconnect
  std::vector<float> conv;
  std::vector<double> mean, square_sum, entropy;  // over the draws of a block
  std::vector<double> draw_entropy;               // of one draw

  /// Grows to what `rows` rows need; never shrinks.
  void reserve(const Predictor::Plan& plan, std::size_t rows);
};

/// A block of rows on its way through the network.
struct Pass {
  Context::Scratch& scratch;
  std::size_t rows;
  std::uint64_t row0;  // of the block, in the whole set
  bool draw;           // Monte-Carlo, or deterministic
  std::uint64_t seed = 0;
  std::uint32_t sample = 0;

  /// Runs steps [begin, end) on buffer `side` of a level and returns the side that holds the
  /// result.
  std::size_t run(const std::vector<Step>& steps, std::size_t begin, std::size_t end,
                  std::size_t level, std::size_t side);

  /// Runs steps [begin, end), of which the first draws, on `x`, which is left as it is; returns the
  /// side of level 0 that holds the result.
  std::size_t run_from(const float* x, const std::vector<Step>& steps, std::size_t begin,
                       std::size_t end);

 private:
  bool in_place(const Step& step) const;
  void apply(const Step& step, float* x);
  void apply(const Step& step, const float* x, float* y);
  std::size_t residual(const Step& step, std::size_t level, std::size_t side);
  void noise(const Step& step, const float* x, float* y) const;
  void centre(const Step& step, float* x) const;
  kernel::Conv2d shape_of(const Step& step) const;
  void product(const Step& step, const float* w, const float* bias, const float* x, float* y);
  void sampled(const Step& step, const float* x, float* y);
  const float* drawn_weights(const Step& step);
  void pool(const Step& step, const float* x, float* y) const;
  kernel::Site site(const Step& step) const;
  Stream stream(const Step& step) const { return {seed, step.stream, sample}; }
};

}  // namespace scalemix::inline v0::model
