// What a layer with weights does with them: y = x * w + b, where * is a dense or sparse product or
// a convolution, and the products of its backward. Plain layers, dropconnect and posteriors
// (weighted.cc) are built on it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::kernel {
class LeftWeights;
}

namespace scalemix::inline v0::engine {

/// What a product takes.
struct Rows {
  std::size_t count = 0;
  const float* x = nullptr;     // (count, in)
  const float* base = nullptr;  // (in) what a zero of the data is, where x is the data itself
  float* kept = nullptr;        // Product::kept(count) floats, for forward to leave something in
  // Of a training step: the weights that are not held at zero, where those are listed. A backward pass
  // has what its forward pass had.
  const kernel::LeftWeights* left = nullptr;
};

/// What the backward pass of a product takes and gives; dvar, sigma2 and dsigma2 of both moments,
/// or null.
struct Gradients {
  const float *dy, *w;                             // (rows, out), (weights)
  const float *dvar = nullptr, *sigma2 = nullptr;  // likewise
  float *dw, *dsigma2 = nullptr;                   // (weights), overwritten
  float* dx;                                       // (rows, in), overwritten; null: not wanted
};

/// The weights of a product as they are stored: a flat row, and where it repays what the product
/// has made of it (Product::pack), whose numbers are the same.
struct Weights {
  const float* flat = nullptr;
  const float* packed = nullptr;  // or null; then flat may be null
};

/// Of weights many of which are zero: how many of each output are not, and for which calls it repays to
/// leave the zeros out: of at most kernel::kFewRows rows, of more. Images are always many.
struct Left {
  std::vector<std::uint32_t> counts = {};  // (out)
  bool few = true, many = true;
};

class Product {
 public:
  Product(std::size_t in, std::size_t out, std::size_t weights, std::size_t places)
      : in(in), out(out), weights(weights), places(places) {}
  virtual ~Product() = default;

  /// Floats that forward leaves for the backward pass, of `rows` rows.
  virtual std::size_t kept(std::size_t) const { return 0; }
  /// Floats of scratch for `rows` rows, of a forward or a backward pass.
  virtual std::size_t scratch(std::size_t, bool /*backward*/) const { return 0; }
  /// Floats of packed weights, where weights that stay the same repay it: else 0.
  virtual std::size_t packed() const { return 0; }
  virtual void pack(const float* /*w*/, float* /*packed*/) const {}
  /// y (rows, out) = x * w + b; b may be null.
  virtual void forward(const Rows& x, Weights w, const float* b, float* scratch,
                       float* y) const = 0;
  /// Both moments of local reparameterisation: y as forward has it, and var (rows, out) = x^2 *
  /// sigma2.
  virtual void moments(const Rows& x, Weights w, const float* b, Weights sigma2, float* scratch,
                       float* y, float* var) const = 0;
  /// After forward, or after moments with its gradients.
  virtual void backward(const Rows& x, const Gradients& g, float* scratch) const;
  /// db is overwritten.
  virtual void to_bias(std::size_t rows, const float* dy, float* db) const = 0;

  const std::size_t in, out;  // numbers in a row of x and of y
  const std::size_t weights;  // numbers in w
  const std::size_t places;   // how often a weight is used on a row

 private:
  /// g.dw, and of moments g.dsigma2.
  virtual void to_weights(const Rows& x, const Gradients& g, float* scratch) const = 0;
  /// dx (rows, in) = the adjoint of dy * w, or that added to it.
  virtual void to_input(std::size_t rows, const float* dy, const float* w, bool add, float* scratch,
                        float* dx) const = 0;
};

/// `moments`: it may be asked for both.
std::unique_ptr<Product> make_dense(const model::Layer& layer, bool moments);
/// Of data that is mostly zeros (kernel/sparse_rows.h).
std::unique_ptr<Product> make_sparse(const model::Layer& layer, bool moments);
/// Of weights that are packed, with their zeros left out (kernel/sparse_weights.h, of images of this shape
/// kernel/sparse_filters.h). Only forward, with packed weights.
std::unique_ptr<Product> make_pruned(const model::Layer& layer, const model::Shape& shape,
                                     const Left& left);
/// Of a training step without moments: make_dense or, of sparse data, make_sparse, which leaves out the weights
/// that are held at zero where a call lists the others (kernel/left_weights.h). Of the gradient of listed
/// weights only what is left is written.
std::unique_ptr<Product> make_held(const model::Layer& layer, bool sparse_data);
/// `sparse`: most of dy is zero (kernel/conv_sparse.h).
std::unique_ptr<Product> make_conv2d(const model::Layer& layer, const model::Shape& shape,
                                     bool sparse);

}  // namespace scalemix::inline v0::engine
