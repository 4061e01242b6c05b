// The layer types a spec may hold: one row of a table each. Shape rules, parameter tensors and the
// reading and writing of JSON are driven by it.
#pragma once

#include <string_view>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

/// Layers that are run alike; the engine has a node each.
enum class Family { weighted, norm, activation, pool, shape, residual, noise, moments };

struct LayerKind {
  std::string_view name;    // "conv2d"
  std::string_view prefix;  // of the names that Spec::number gives: "conv" makes conv1, conv2, ...
  std::string_view summary;
  std::string_view shapes;  // what it takes and gives, for people
  Family family;
  std::vector<std::string_view> required;       // JSON keys that must be there, beside type
  std::vector<std::string_view> optional;       // JSON keys that may be there, beside name and site
  Shape (*output)(const Layer&, const Shape&);  // null for residual, whose rule is its branches'
  std::vector<LayerTensor> (*tensors)(const Layer&) = nullptr;  // null: none
  bool windows = false;   // weighted, pool: goes over an image by square windows
  bool largest = false;   // pool: the largest of a window, not its mean
  bool logits = false;    // moments: gives logits, not means
  bool of_batch = false;  // norm: over the rows of a batch, with running statistics
};

const std::vector<LayerKind>& layer_kinds();

/// The row of a type. Throws std::invalid_argument for an unknown one, with the nearest known.
const LayerKind& layer_kind(std::string_view type);

/// (2, K): the mean and the variance of K numbers, which fast dropout carries.
bool is_pair(const Shape& shape);

/// A layer with a weight matrix that methods can make noisy.
bool has_weights(const Layer& layer);

/// (O, I) or (O, C, k, k) of such a layer, and how many numbers that is.
Shape weight_shape(const Layer& layer);
std::size_t weight_count(const Layer& layer);

/// Multiplications of the product of such a layer with one row of shape `in`; else 0.
double multiplications(const Layer& layer, const Shape& in);

/// "(3, 32, 32)".
std::string shape_text(const Shape& shape);

/// The layer's name, or its type while it has none.
const std::string& label(const Layer& layer);

/// Sizes read from files and built by users stay below this, so that products of three do not
/// overflow.
inline constexpr std::size_t kMaxSize = std::size_t{1} << 31;

}  // namespace scalemix::inline v0::model
