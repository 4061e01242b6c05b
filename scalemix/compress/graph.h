// A network as single steps, for whoever writes it down in another language: what each reads and
// writes, with its numbers. Posteriors are gone (plain.h), batch normalisation is a scale and a shift.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/kernel/activation.h"
#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

inline constexpr std::size_t kNoValue = static_cast<std::size_t>(-1);

struct Step {
  enum class Kind {
    product,     // y = w x + b, w (out, in)
    conv,        // w (O, C, k, k), stride, padding
    scale,       // y = w x + b, of each channel or each number
    activation,  // of the layer's slope
    max_pool,    // kernel, stride, padding, which never wins
    avg_pool,    // which counts as zeros
    max_plane,   // of a whole channel
    mean_plane,
    row_norm,  // (x - mean) / sqrt(var + eps) w + b, over the numbers of a row
    add,       // y = x + other
    noise      // y = x z, z given from outside, of each channel or each number
  };
  Kind kind = Kind::product;
  std::string name = {};  // of the layer
  std::size_t x = 0, y = 0, other = kNoValue;
  model::Shape in = {}, out = {};  // of a row
  std::vector<float> w = {}, b = {};
  std::size_t kernel = 1, stride = 1, padding = 0;
  kernel::Activation activation = kernel::Activation::identity;
  double slope = 0, eps = 0;
  std::size_t columns = 0;  // noise: numbers drawn for a row
  std::string law = {};     // noise: of what multiplies
};

struct Graph {
  model::Model model;                // without posteriors
  std::vector<Step> steps;           // in an order in which they can run
  std::vector<model::Shape> values;  // 0 is the input; the last is the output
};

/// `noise`: with noise layers as steps; else as a deterministic pass has them. Throws ConfigError naming
/// the layer for what cannot be a step: noise that acts on weights, that is not of a law's draws, or
/// pairs of mean and variance.
Graph graph_of(const model::Model& model, bool noise = false);

}  // namespace scalemix::inline v0::compress
