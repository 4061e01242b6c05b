// Layers without parameters that act on each number: activations and noise.

#include <algorithm>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/law/any_law.h"
#include "scalemix/torch/step/node.h"

namespace scalemix::inline v0::step {
namespace {

class Activation : public Node {
 public:
  Activation(const model::Layer& layer, std::size_t width)
      : Node(width, width),
        activation_(*kernel::find_activation(layer.type)),
        slope_(static_cast<float>(layer.slope)) {}

  void forward(const Frame& f, const float* x, float* y) const override {
    if (x != y) std::copy_n(x, f.rows * in, y);
    kernel::activate(activation_, slope_, f.rows * in, y);
  }

  void backward(const Frame& f, const float* x, const float* y, float* dy,
                float* dx) const override {
    if (!dx) return;
    kernel::activate_backward(activation_, slope_, f.rows * in, x, y, dy);
    if (dx != dy) std::copy_n(dy, f.rows * in, dx);
  }

  bool in_place() const override { return kernel::slope_from_result(activation_); }
  bool reads_output() const override { return true; }

 private:
  kernel::Activation activation_;
  float slope_;
};

/// A law at a site. Draws that multiply single numbers are kept in scratch for the way back, where
/// to read them is cheaper than to make them again; others are made again.
class Noise : public Node {
 public:
  Noise(const model::Layer& layer, const model::Shape& shape)
      : Node(model::elements(shape), model::elements(shape)),
        number_(layer.site),
        law_(law::AnyLaw::parse(layer.law)),
        mode_(layer.mode == model::Mode::multiply ? kernel::Mode::multiply : kernel::Mode::add),
        columns_(layer.columns) {
    site_.columns = model::site_columns(layer.at, shape);
    site_.inner = in / site_.columns;
    site_.width = layer.width;
    if (!columns_.empty()) site_.logical = columns_.data();
  }

  std::size_t scratch(std::size_t rows) const override { return kept() ? rows * in : 0; }

  void forward(const Frame& f, const float* x, float* y) const override {
    if (!kept()) return apply(f, x, y);
    kernel::draws(law_.multiplier(), f.stream(number_), site(f), f.scratch);
    multiply(f, x, y);
  }

  void backward(const Frame& f, const float*, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    if (kept()) {
      multiply(f, dy, dx);
    } else if (mode_ == kernel::Mode::multiply) {
      apply(f, dy, dx);
    } else {
      std::copy_n(dy, f.rows * in, dx);
    }
  }

 private:
  bool kept() const { return mode_ == kernel::Mode::multiply && site_.inner == 1; }

  kernel::Site site(const Frame& f) const {
    kernel::Site site = site_;
    site.rows = f.rows;
    return site;
  }
  void apply(const Frame& f, const float* x, float* y) const {
    const law::Sampler& sampler = mode_ == kernel::Mode::multiply ? law_.multiplier() : law_.raw();
    kernel::noise(sampler, f.stream(number_), site(f), mode_, x, y);
  }
  void multiply(const Frame& f, const float* x, float* y) const {
    kernel::for_tiles(f.rows * in, [x, y, z = f.scratch](std::size_t first, std::size_t n) {
      for (std::size_t i = first; i < first + n; ++i) y[i] = x[i] * z[i];
    });
  }

  std::uint32_t number_;
  law::AnyLaw law_;
  kernel::Mode mode_;
  std::vector<std::int64_t> columns_;
  kernel::Site site_;
};

}  // namespace

std::unique_ptr<Node> make_activation(const model::Layer& layer, const model::Shape& shape,
                                      const Layout&) {
  return std::make_unique<Activation>(layer, model::elements(shape));
}

std::unique_ptr<Node> make_noise(const model::Layer& layer, const model::Shape& shape,
                                 const Layout&) {
  return std::make_unique<Noise>(layer, shape);
}

}  // namespace scalemix::inline v0::step
