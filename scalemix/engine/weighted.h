// What nodes of layers with weights share: the plain one, which the noisy ones are built on.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "scalemix/engine/node.h"
#include "scalemix/engine/product.h"
#include "scalemix/kernel/left_weights.h"

namespace scalemix::inline v0::engine {

/// Prepared, of a prediction: the weights of a pass without draws, packed where the product can read
/// them so, unless that is the flat row itself.
class Weighted : public Node {
 public:
  Weighted(const Making& m, std::unique_ptr<Product> product, std::size_t out)
      : Node(product->in, out),
        product_(std::move(product)),
        noise_(m.noise),
        w_(m.layout.at(m.layer.name + ".weight").offset),
        stands_in_(!m.train && m.noise && m.noise->kind().stand_in),
        packed_(m.train ? 0 : product_->packed()),
        held_(m.held) {
    const bool later = m.noise && m.noise->use.where == model::Where::before_bias;
    if (m.layer.bias && !later) b_ = m.layout.at(m.layer.name + ".bias").offset;
  }

  double forward(const Frame& f, const float* x, float* y) const override {
    product_->forward(rows(f, x), weights(f), bias(f), f.scratch, y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Gradients g{.dy = dy, .w = f.values + w_, .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), g, f.scratch);
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t rows) const override { return product_->kept(rows); }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward);
  }
  std::size_t prepared() const override {
    return packed_ > 0 ? packed_ : stands_in_ ? product_->weights : 0;
  }
  void prepare(const Frame& f) const override {
    float* to = f.prepared + prepared_at;
    if (packed_ == 0) {
      if (stands_in_) noise_->kind().stand_in(noise_->at(f), to);
    } else if (stands_in_) {  // once, as a model is loaded: a step prepares nothing here
      std::vector<float> flat(product_->weights);
      noise_->kind().stand_in(noise_->at(f), flat.data());
      product_->pack(flat.data(), to);
    } else {
      product_->pack(f.values + w_, to);
    }
  }
  bool reads_input() const override { return true; }
  bool trained() const override { return true; }
  double work() const override { return static_cast<double>(product_->weights * product_->places); }

 protected:
  // What is kept begins with what the product keeps.
  Rows rows(const Frame& f, const float* x) const {
    const bool listed = held_ && f.left && f.left[*held_].listed();
    return {f.rows, x, f.base, f.kept, listed ? &f.left[*held_] : nullptr};
  }
  const float* bias(const Frame& f) const { return b_ ? f.values + *b_ : nullptr; }
  /// Those of a deterministic pass, outside training.
  Weights weights(const Frame& f) const {
    if (packed_ > 0) return {.packed = f.prepared + prepared_at};
    return {.flat = stands_in_ ? f.prepared + prepared_at : f.values + w_};
  }
  /// Those of a training step's draws, and where their gradient goes.
  const float* means(const Frame& f) const {
    return noise_->use.means ? f.prepared + noise_->prepared_at + product_->weights : f.values + w_;
  }
  float* d_means(const Frame& f) const {
    return noise_->use.means ? f.d_prepared + product_->weights : f.gradients + w_;
  }
  void to_bias(const Frame& f, const float* dy) const {
    if (b_) product_->to_bias(f.rows, dy, f.gradients + *b_);
  }

  std::unique_ptr<Product> product_;
  const Decoration* noise_;
  std::size_t w_;
  bool stands_in_;
  std::size_t packed_;  // floats; 0: it is not
  std::optional<std::size_t> held_;
  std::optional<std::size_t> b_;
};

/// The node of a posterior that draws by signs, in the file signed.cc.
std::unique_ptr<Node> make_signed(const Making& making, std::unique_ptr<Product> product,
                                  std::size_t out, model::Signs signs);

/// The nodes of means and variances, in the file fast.cc: a layer with weights, and a ReLU of rows of
/// `width` numbers.
std::unique_ptr<Node> make_fast_product(const Making& making);
std::unique_ptr<Node> make_fast_relu(std::size_t width);

/// The node of noise that every output has its own of, in the file turned.cc.
std::unique_ptr<Node> make_turned(const Making& making);

/// The node of weights that are drawn for every row, in the file row_weights.cc.
std::unique_ptr<Node> make_row_weights(const Making& making, std::unique_ptr<Product> product,
                                       std::size_t out);

}  // namespace scalemix::inline v0::engine
