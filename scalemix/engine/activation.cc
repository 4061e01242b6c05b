// Activations.

#include "scalemix/kernel/activation.h"

#include <algorithm>

#include "scalemix/engine/weighted.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {
namespace {

class Activation : public Node {
 public:
  Activation(const model::Layer& layer, std::size_t width)
      : Node(width, width),
        activation_(kernel::find_activation(layer.type).value()),
        slope_(static_cast<float>(layer.slope)) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    if (x != y) std::copy_n(x, f.rows * in, y);
    kernel::activate(activation_, slope_, f.rows * in, y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float* y, float* dy,
                float* dx) const override {
    if (!dx) return;
    // What reads_input() does not ask for may be gone.
    kernel::activate_backward(activation_, slope_, f.rows * in, reads_input() ? x : y, y, dy);
    if (dx != dy) std::copy_n(dy, f.rows * in, dx);
  }

  bool in_place(bool trained) const override {
    return !trained || kernel::slope_from_result(activation_);
  }
  bool gradient_in_place() const override { return true; }
  bool reads_input() const override { return !kernel::slope_from_result(activation_); }
  bool reads_output() const override { return true; }

 private:
  kernel::Activation activation_;
  float slope_;
};

}  // namespace

Nodes make_activation(const Making& m) {
  Nodes out;
  if (model::is_pair(m.in)) {  // of a ReLU, as its shape rule has it
    out.push_back(make_fast_relu(model::elements(m.in)));
    return out;
  }
  out.push_back(std::make_unique<Activation>(m.layer, model::elements(m.in)));
  return out;
}

}  // namespace scalemix::inline v0::engine
