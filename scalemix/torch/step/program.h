// A network's forward and backward pass as a fixed list of nodes over one block of memory a
// replica.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "scalemix/torch/step/node.h"

namespace scalemix::inline v0::step {

class Program {
 public:
  /// For batches of at most `rows` rows; `sparse`: of data that is mostly zeros, which a dense
  /// first layer then leaves out if it is large enough. Nothing if a layer of the spec has no node.
  static std::optional<Program> make(const model::Spec& spec, const Layout& layout,
                                     std::size_t rows, bool sparse);

  std::size_t rows() const { return rows_; }
  /// Whether the first layer leaves the data's zeros out: frames then bring their base.
  bool sparse() const { return sparse_; }
  /// Whether a convolution leaves out the zeros that a max pool leaves of its gradients.
  bool sparse_gradients() const { return sparse_gradients_; }
  /// Floats of memory that a replica needs; its first rows * width() hold the batch.
  std::size_t memory() const { return memory_; }
  std::size_t width() const { return width_; }
  std::size_t outputs() const { return nodes_.back()->out; }
  /// Variances of weights of all posteriors, a replica.
  std::size_t variances() const { return variances_; }
  const std::vector<Posterior>& posteriors() const { return posteriors_; }
  /// Multiplications of the products of a step, about: what decides how work is spread over
  /// threads.
  double work() const { return work_; }

  /// Runs the batch in memory forward; returns the outputs (rows, outputs()), which lie in memory.
  float* forward(Frame frame, float* memory) const;
  /// Where the gradient of the outputs goes, (rows, outputs()).
  float* output_gradient(float* memory) const { return gradient(nodes_.size() - 1, memory); }
  /// From the gradient of the outputs to those of the parameters.
  void backward(Frame frame, float* memory) const;

 private:
  struct Place {
    std::size_t y = 0, scratch = 0;
    std::size_t turn = 0;  // which of the two buffers of gradients has that of y
  };
  const float* input(std::size_t node, const float* memory) const {
    return node == 0 ? memory : memory + places_[node - 1].y;
  }

  /// The gradient of what node `node` makes.
  float* gradient(std::size_t node, float* memory) const {
    return memory + gradient_ + places_[node].turn * widest_;
  }

  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Place> places_;
  std::vector<Posterior> posteriors_;
  std::size_t rows_ = 0, width_ = 0, memory_ = 0, variances_ = 0, gradient_ = 0, widest_ = 0;
  std::size_t first_trained_ = 0;  // no node before it has parameters: no gradient goes there
  double work_ = 0;
  bool sparse_ = false, sparse_gradients_ = false;
};

}  // namespace scalemix::inline v0::step
