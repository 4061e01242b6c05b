// What a layer with weights does with them: y = x * w + b, where * is a dense or sparse product or
// a convolution, and the two products of its backward. Plain layers, dropconnect and posteriors
// (weighted.cc) are built on it.
#pragma once

#include <memory>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::step {

/// What a product takes.
struct Rows {
  std::size_t count = 0;
  const float* x = nullptr;     // (count, in)
  const float* base = nullptr;  // (in) what a zero of the data is, where x is the data itself
  float* kept = nullptr;        // Product::kept(count) floats, for forward to leave something in
};

class Product {
 public:
  Product(std::size_t in, std::size_t out, std::size_t weights, std::size_t places)
      : in(in), out(out), weights(weights), places(places) {}
  virtual ~Product() = default;

  /// Floats that forward leaves for the way back, of `rows` rows.
  virtual std::size_t kept(std::size_t) const { return 0; }
  /// Floats of scratch for `rows` rows; its contents need not last.
  virtual std::size_t scratch(std::size_t) const { return 0; }
  /// y (rows, out) = x * w + b; b may be null.
  virtual void forward(const Rows& x, const float* w, const float* b, float* scratch,
                       float* y) const = 0;
  /// dw (weights) is overwritten.
  virtual void to_weights(const Rows& x, const float* dy, float* scratch, float* dw) const = 0;
  /// Both moments of local reparameterisation: y as forward has it, and var (rows, out) = x^2 *
  /// sigma2.
  virtual void moments(const Rows& x, const float* w, const float* b, const float* sigma2,
                       float* scratch, float* y, float* var) const = 0;
  virtual void moments_to_weights(const Rows& x, const float* dy, const float* dvar, float* scratch,
                                  float* dw, float* dsigma2) const = 0;
  /// dx (rows, in) is overwritten, or added to.
  virtual void to_input(std::size_t rows, const float* dy, const float* w, bool add, float* scratch,
                        float* dx) const = 0;
  /// db is overwritten.
  virtual void to_bias(std::size_t rows, const float* dy, float* db) const = 0;

  const std::size_t in, out;  // numbers in a row of x and of y
  const std::size_t weights;  // numbers in w
  const std::size_t places;   // how often a weight is used on a row
};

std::unique_ptr<Product> make_dense(const model::Layer& layer);
/// Of data that is mostly zeros (kernel/sparse_rows.h).
std::unique_ptr<Product> make_sparse(const model::Layer& layer);
std::unique_ptr<Product> make_conv2d(const model::Layer& layer, const model::Shape& shape);

}  // namespace scalemix::inline v0::step
