// Layers without parameters that act on each number: activations and noise.

#include <algorithm>

#include "scalemix/kernel/activation.h"
#include "scalemix/kernel/noise.h"
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
    std::copy_n(x, f.rows * in, y);
    kernel::activate(activation_, slope_, f.rows * in, y);
  }

  void backward(const Frame& f, const float* x, const float* y, float* dy,
                float* dx) const override {
    if (!dx) return;
    kernel::activate_backward(activation_, slope_, f.rows * in, x, y, dy);
    std::copy_n(dy, f.rows * in, dx);
  }

 private:
  kernel::Activation activation_;
  float slope_;
};

/// A law at a site; the draws are made again on the way back.
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

  void forward(const Frame& f, const float* x, float* y) const override { apply(f, x, y); }

  void backward(const Frame& f, const float*, const float*, float* dy, float* dx) const override {
    if (!dx) return;
    if (mode_ == kernel::Mode::multiply) {
      apply(f, dy, dx);
    } else {
      std::copy_n(dy, f.rows * in, dx);
    }
  }

 private:
  void apply(const Frame& f, const float* x, float* y) const {
    kernel::Site site = site_;
    site.rows = f.rows;
    const law::Sampler& sampler = mode_ == kernel::Mode::multiply ? law_.multiplier() : law_.raw();
    kernel::noise(sampler, f.stream(number_), site, mode_, x, y);
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
