// A network compiled for prediction: steps with their weights ready, and how much memory they need.
//
// Activations live in pairs of buffers, one pair a level of nesting: a step reads one buffer of its
// level and writes the other, or works in place. A residual copies its input one level down, runs
// the branch there, the shortcut on its own level, and adds.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/conv.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/pool.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/predictor.h"

namespace scalemix::inline v0::model {

struct Step {
  enum class Kind { linear, conv2d, affine, activation, max_pool, avg_pool, residual, noise };
  Kind kind = Kind::activation;
  std::size_t in = 0, out = 0;  // numbers in a row
  bool stochastic = false;

  // linear, conv2d. `weight` is what a deterministic pass uses, and the mean of a svdo layer.
  std::vector<float> weight, bias;
  std::vector<float> variance;  // svdo
  std::vector<float> free;      // dropconnect: the weights that are multiplied
  kernel::Conv2d conv{};        // n is set when it runs
  kernel::Pool2d pool{};        // kernel 0: the whole channel

  std::size_t channels = 1;  // affine: batch normalisation, folded
  std::vector<float> scale, shift;

  kernel::Activation activation = kernel::Activation::identity;
  float slope = 0;

  std::uint32_t stream = 0;        // of Purpose::predict
  std::optional<law::AnyLaw> law;  // noise, dropconnect; svdo: standard normal
  kernel::Site site;               // rows and row0 are set when it runs
  kernel::Mode mode = kernel::Mode::multiply;
  float centre = 1;  // deterministic stand-in for the draw

  std::vector<Step> branch, shortcut;

  const float* bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
};

struct Predictor::Plan {
  Model model;
  std::vector<Step> steps;
  std::size_t width = 0, outputs = 0;
  std::size_t first_draw = 0;                        // first step that draws; steps.size() if none
  std::vector<float> noise_variance;                 // regression: (outputs), user's units squared
  std::vector<std::size_t> level_width;              // widest row of each level of nesting
  std::size_t square_width = 0, variance_width = 0;  // svdo: rows of x^2 and of the variances
  std::size_t weights = 0;                           // dropconnect: most weights of a layer
};

/// Compiles; throws std::invalid_argument if the model does not fit its spec.
Predictor::Plan make_plan(Model model);

/// Floats of convolution scratch for `rows` rows at a time.
std::size_t conv_scratch(const std::vector<Step>& steps, std::size_t rows);

}  // namespace scalemix::inline v0::model
