// The network as data: layers in order, each with its geometry, its noise and its site number.
//
// A spec is made by an architecture (architecture.h) or in code (build.h), made noisy by methods (method.h), run by
// engine/, and stored in the model file as JSON.
//
// Site numbers: every layer gets one when it joins the spec. It names the layer's noise and its
// initial weights in the stream, is stored, and is never renumbered; so pruning or decorating a
// network does not change the noise of what was there before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/task.h"

namespace scalemix::inline v0::model {

using Shape = std::vector<std::size_t>;  // of one row: {K} or {C, H, W}

/// What a noise layer draws for: each unit, a whole channel, or the whole row.
enum class Site { unit, channel, layer };

/// A parameter that changes as training goes on: "p" by "linear:start=0".
struct Scheduled {
  std::string parameter = {};
  std::string schedule = {};  // a word of parameter_schedule.h

  bool operator==(const Scheduled&) const = default;
};

/// A kind of noise at a layer: a row of noise.h with its settings.
struct Noise {
  std::string kind = {};            // a name of noise_kinds(): "multiply", "dropconnect", "svdo"
  std::string law = {};             // "bernoulli:p=0.5", of kinds that draw from one; or a prior
  std::vector<double> values = {};  // of the kind's parameters, in the table's order
  std::vector<Scheduled> schedules = {};

  bool operator==(const Noise&) const = default;
};

/// One layer. Fields that a type does not use keep their defaults and are not written.
struct Layer {
  std::string type = {};   // a name of layer_kinds()
  std::string name = {};   // unique in the spec: "linear1", prefix of its tensors
  std::uint32_t site = 0;  // number in the stream, from 1; 0: not yet given

  // linear, conv2d, batch_norm: sizes. conv2d and pools: square windows.
  std::size_t in = 0, out = 0;
  std::size_t kernel = 1, stride = 1, padding = 0;
  bool bias = true;
  double slope = 0.01;  // leaky_relu
  double eps = 1e-5;    // batch_norm

  // A noise layer has one noise. `width` is the number of logical columns; `columns` the logical
  // number of each column that is left (empty: all of them, in order).
  Site at = Site::unit;
  std::size_t width = 0;
  std::vector<std::int64_t> columns = {};

  // noise, linear, conv2d: at most one that draws, and priors, which only add a penalty.
  std::vector<Noise> noise = {};

  // residual: y = shortcut(x) + branch(x); an empty shortcut is the identity.
  std::vector<Layer> branch = {}, shortcut = {};
};

struct Spec {
  Shape input = {};  // of one row
  Task task = Task::classification;
  std::size_t outputs = 0;  // classes, or regression targets
  std::vector<Layer> layers = {};
  std::string architecture = {};  // what it was made from, for people: "mlp:300-100"
  std::vector<std::string> methods =
      {};  // in the order applied, canonical words; "none" leaves no trace

  /// Gives every layer without one a site number above all in use, and a unique name.
  void number();
  /// Checks every layer against the shape that reaches it, and what all of them ask for against
  /// base/limits.h; throws std::invalid_argument naming the layer, what it expects and what comes.
  void validate() const;
};

/// Numbers in a shape. Throws std::invalid_argument at 2^31 and above.
std::size_t elements(const Shape& shape);

/// Columns that a noise layer at a site sees: elements, channels or 1.
std::size_t site_columns(Site at, const Shape& shape);

/// Shape after a layer; throws std::invalid_argument if it cannot take `in` or gives more numbers than
/// SCALEMIX_MAX_NUMBERS.
Shape output_shape(const Layer& layer, const Shape& in);

/// Calls f(layer, input shape) for every layer in execution order, into branches: a residual first,
/// then its branch, then its shortcut. The first throws std::invalid_argument where shapes do not
/// fit.
void for_each_layer(const Spec& spec, const std::function<void(const Layer&, const Shape&)>& f);
void for_each_layer(Spec& spec, const std::function<void(Layer&)>& f);

/// True for a layer that draws noise when the network is stochastic; for a residual, if one inside
/// does.
bool stochastic(const Layer& layer);

/// A tensor that a layer owns, as training starts it. `shape` has no replica axis.
struct LayerTensor {
  std::string name = {};  // "weight", "bias", "log_sigma2", "running_mean", ...
  Shape shape = {};
  bool trained = true;  // false: state, such as a running statistic
  double initial = 0;   // of every number; a weight matrix is drawn (initial_weights.h)
  // Of a noise: numbers start at initial + spread z, z standard normal or uniform on (0, 1).
  double spread = 0;
  bool uniform = false;
  bool decays = false;  // by weight decay
  double rate = 1;      // factor on the learning rate
};
/// Its own tensors, then those of its noise.
std::vector<LayerTensor> tensors(const Layer& layer);

nlohmann::json to_json(const Spec& spec);
/// Throws std::invalid_argument with the place ("layers[2].kernel") for an unknown key, a wrong
/// type, an unknown layer type (with the nearest known), or a shape that does not fit.
Spec spec_from_json(const nlohmann::json& json);

}  // namespace scalemix::inline v0::model
