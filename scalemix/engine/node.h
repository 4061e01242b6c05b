// A node of a program: a layer, or a part of one, forward and backward on raw memory. It allocates
// nothing once it is made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "scalemix/engine/decoration.h"
#include "scalemix/engine/frame.h"
#include "scalemix/engine/layout.h"
#include "scalemix/engine/zeros.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::engine {

class Node {
 public:
  Node(std::size_t in, std::size_t out) : in(in), out(out) {}
  virtual ~Node() = default;

  /// x (rows, in) to y (rows, out), which do not overlap but for a node in place. Returns a penalty
  /// that comes from data, nats.
  virtual double forward(const Frame& frame, const float* x, float* y) const = 0;
  /// Writes the gradients of the node's tensors and, unless null, dx (rows, in). dy (rows, out) may
  /// be destroyed. x is there if reads_input() says so, y if reads_output() does: else their memory
  /// may be another value's by now.
  virtual void backward(const Frame&, const float*, const float*, float*, float*) const {}

  /// Floats that forward leaves for backward, of `rows` rows.
  virtual std::size_t kept(std::size_t) const { return 0; }
  /// Floats of scratch, of a forward or a backward pass.
  virtual std::size_t scratch(std::size_t, bool /*backward*/) const { return 0; }
  /// Floats that prepare() makes of the tensors, whenever they change.
  virtual std::size_t prepared() const { return 0; }
  virtual void prepare(const Frame&) const {}

  /// Whether y may lie where x lies; `trained`: and backward still has what it needs.
  virtual bool in_place(bool /*trained*/) const { return false; }
  /// Whether dx may lie where dy lies.
  virtual bool gradient_in_place() const { return false; }
  /// What backward reads.
  virtual bool reads_input() const { return false; }
  virtual bool reads_output() const { return false; }
  /// Whether it has tensors that are trained.
  virtual bool trained() const { return false; }
  /// Whether it draws.
  virtual bool stochastic() const { return false; }
  /// Multiplications of the forward products on one row.
  virtual double work() const { return 0; }

  const std::size_t in, out;    // numbers in a row
  std::size_t prepared_at = 0;  // in the frame's prepared
};

struct Left;  // product.h

/// What the nodes of a layer are made from.
struct Making {
  const model::Layer& layer;
  const model::Shape& in;
  const Layout& layout;
  bool train;  // with a backward pass
  Zeros zeros;
  Decoration* noise;                     // of the layer, or null
  const Left* left = nullptr;            // of a prediction, where many weights are zero
  std::optional<std::size_t> held = {};  // of training: which of Frame::left is the layer's, if any
};

using Nodes = std::vector<std::unique_ptr<Node>>;

// One maker per family, each in the file of its name: nodes of a layer, one after the other.
Nodes make_weighted(const Making& making);
Nodes make_norm(const Making& making);
Nodes make_activation(const Making& making);
Nodes make_pool(const Making& making);
Nodes make_noise(const Making& making);
Nodes make_moments(const Making& making);

/// Noise on rows of `width` numbers, of a noise layer or next to weights.
std::unique_ptr<Node> make_noise(const Decoration& noise, std::size_t width, bool train);

/// x + the frame's other input: where a residual block joins.
std::unique_ptr<Node> make_join(std::size_t width);

}  // namespace scalemix::inline v0::engine
