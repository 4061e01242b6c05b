// A layer of a planned step: forward and backward of one replica on raw memory. No tensor, no tape,
// and after construction no allocation of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "scalemix/model/spec.h"
#include "scalemix/random/stream.h"
#include "scalemix/torch/step/zeros.h"

namespace scalemix::inline v0::step {

/// Where a parameter lies in a replica's row of the flat storage: offset of "linear1.weight".
using Layout = std::function<std::size_t(const std::string& name)>;

/// One replica on its way through a step.
struct Frame {
  std::size_t rows = 0;
  std::uint64_t seed = 0;
  std::uint32_t draw = 0;         // training step
  const float* values = nullptr;  // (P)
  float* gradients = nullptr;     // (P)
  const float* base = nullptr;    // a row of zeros of the data, as the batch has it
  const float* sigma2 = nullptr;  // of every posterior, see Posterior
  float* scratch = nullptr;       // the running node's own, kept from forward to backward

  Stream stream(std::uint32_t site) const { return {seed, stream_id(Purpose::train, site), draw}; }
};

/// A layer whose weights have a posterior: where its numbers lie.
struct Posterior {
  std::size_t w = 0, log_sigma2 = 0, count = 0;  // in the replica's row
  std::size_t sigma2 = 0;                        // in the frame's sigma2
};

class Node {
 public:
  Node(std::size_t in, std::size_t out) : in(in), out(out) {}
  virtual ~Node() = default;

  /// Floats of scratch for `rows` rows.
  virtual std::size_t scratch(std::size_t) const { return 0; }
  /// x (rows, in) to y (rows, out), which do not overlap but for a node in place.
  virtual void forward(const Frame& frame, const float* x, float* y) const = 0;
  /// Writes the gradients of the node's parameters and, unless null, dx (rows, in). dy (rows, out)
  /// may be destroyed; x and y are as forward left them. For a posterior what is written at
  /// log_sigma2 is the gradient of sigma2.
  virtual void backward(const Frame& frame, const float* x, const float* y, float* dy,
                        float* dx) const = 0;
  /// Whether y may lie where x lies, and dx where dy; backward then gets y for both.
  virtual bool in_place() const { return false; }
  /// Whether backward reads y.
  virtual bool reads_output() const { return false; }
  virtual Posterior* posterior() { return nullptr; }
  /// Multiplications of the forward products on one row.
  virtual double work() const { return 0; }

  const std::size_t in, out;  // numbers in a row
};

/// The node of a layer that takes rows of `shape`, or null if its type has none. A layer that only
/// renames its input's shape has no node: renames().
std::unique_ptr<Node> make_node(const model::Layer& layer, const model::Shape& shape,
                                const Layout& layout, const Zeros& zeros);
bool renames(const model::Layer& layer);

// One maker a family, each in the file of its name.
std::unique_ptr<Node> make_weighted(const model::Layer& layer, const model::Shape& shape,
                                    const Layout& layout, const Zeros& zeros);
std::unique_ptr<Node> make_pool(const model::Layer& layer, const model::Shape& shape,
                                const Layout& layout);
std::unique_ptr<Node> make_activation(const model::Layer& layer, const model::Shape& shape,
                                      const Layout& layout);
std::unique_ptr<Node> make_noise(const model::Layer& layer, const model::Shape& shape,
                                 const Layout& layout);

}  // namespace scalemix::inline v0::step
