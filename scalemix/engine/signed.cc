// A posterior drawn by signs (model::Signs): every row has its own signs s of the inputs and r of the
// outputs, of an image one per channel. Element row (C + O) + c of the draw is s of channel c, that
// + C + o is r of output o.
//
//   y = x w + b + ((x s) sigma) r
//   dsigma2 = (x s)^T (dy r) / (2 sigma),  dx = dy w^T + ((dy r) sigma^T) s

#include <cmath>

#include "scalemix/base/parallel.h"
#include "scalemix/engine/weighted.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

/// Kept, of a prediction in scratch: the signs, x s, sigma.
class Signed : public Weighted {
 public:
  Signed(const Making& m, std::unique_ptr<Product> product, std::size_t out, model::Signs signs)
      : Weighted(m, std::move(product), out),
        train_(m.train),
        gap_(signs == model::Signs::released ? 4.0f : 2.0f),
        channels_(model::layer_kind(m.layer.type).windows ? m.in[0] : in),
        outputs_(m.layer.out) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    product_->forward(rows(f, x), weights(f), bias(f), f.scratch, y);
    if (f.mode == Mode::deterministic) return 0;
    const Part part = part_of(f);
    draw(f, part.signs);
    times_signs(f.rows, in, 0, part.signs, x, part.x);
    const float* variances = f.prepared + noise_->prepared_at;
    kernel::for_tiles(product_->weights, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) part.sigma[i] = std::sqrt(variances[i]);
    });
    float* change = room(f, false);
    product_->forward({f.rows, part.x, nullptr, nullptr}, {.flat = part.sigma}, nullptr, f.scratch,
                      change);
    times_signs(f.rows, out, channels_, part.signs, change, change);
    kernel::for_tiles(f.rows * out, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) y[i] += change[i];
    });
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    const Part part = part_of(f);
    float *dchange = room(f, true), *dchanged_x = dx ? dchange + f.rows * out : nullptr;
    const Gradients mean{.dy = dy, .w = f.values + w_, .dw = f.gradients + w_, .dx = dx};
    product_->backward(rows(f, x), mean, f.scratch);
    times_signs(f.rows, out, channels_, part.signs, dy, dchange);
    const Gradients change{.dy = dchange, .w = part.sigma, .dw = f.d_prepared, .dx = dchanged_x};
    product_->backward({f.rows, part.x, nullptr, nullptr}, change, f.scratch);
    kernel::for_tiles(product_->weights, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) f.d_prepared[i] /= 2 * part.sigma[i];
    });
    if (dx) {
      times_signs(f.rows, in, 0, part.signs, dchanged_x, dchanged_x);
      kernel::for_tiles(f.rows * in, [&](std::size_t first, std::size_t n) {
        for (std::size_t i = first; i < first + n; ++i) dx[i] += dchanged_x[i];
      });
    }
    to_bias(f, dy);
  }

  std::size_t kept(std::size_t rows) const override { return train_ ? part(rows) : 0; }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return product_->scratch(rows, backward) + rows * (backward ? out + in : out) +
           (train_ ? 0 : part(rows));
  }
  double work() const override { return 2 * Weighted::work(); }
  bool stochastic() const override { return true; }

 private:
  struct Part {
    float *signs, *x, *sigma;  // (rows, C + O), (rows, in), (weights)
  };
  std::size_t part(std::size_t rows) const {
    return rows * (channels_ + outputs_ + in) + product_->weights;
  }
  Part part_of(const Frame& f) const {
    float* at = train_ ? f.kept : room(f, false) + f.rows * out;
    return {at, at + f.rows * (channels_ + outputs_), at + f.rows * (channels_ + outputs_ + in)};
  }
  /// Scratch behind the product's.
  float* room(const Frame& f, bool backward) const {
    return f.scratch + product_->scratch(f.rows, backward);
  }
  void draw(const Frame& f, float* signs) const {
    const std::size_t columns = channels_ + outputs_;
    const kernel::Site site{
        .rows = f.rows, .columns = columns, .row0 = f.row0, .group = f.group, .stride = f.stride};
    kernel::draws(half_.raw(), f.stream(noise_->use.number), site, signs);
    kernel::for_tiles(f.rows * columns, [&](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) signs[i] = gap_ * signs[i] - 1;
    });
  }
  /// y (rows, width) = x times the signs from column `from` on; y may be x.
  void times_signs(std::size_t rows, std::size_t width, std::size_t from, const float* signs,
                   const float* x, float* y) const {
    const std::size_t columns = channels_ + outputs_, count = from == 0 ? channels_ : outputs_,
                      inner = width / count;
    parallel_tiles(rows, [&](std::size_t row) {
      for (std::size_t c = 0; c < count; ++c) {
        const float sign = signs[row * columns + from + c];
        const std::size_t at = row * width + c * inner;
        for (std::size_t k = at; k < at + inner; ++k) y[k] = sign * x[k];
      }
    });
  }

  bool train_;
  float gap_;  // between the two signs, of which the lower is -1
  std::size_t channels_, outputs_;
  law::AnyLaw half_ = law::AnyLaw::parse("bernoulli:p=0.5");
};

}  // namespace

std::unique_ptr<Node> make_signed(const Making& m, std::unique_ptr<Product> product,
                                  std::size_t out, model::Signs signs) {
  return std::make_unique<Signed>(m, std::move(product), out, signs);
}

}  // namespace scalemix::inline v0::engine
