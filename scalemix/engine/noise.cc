// Noise on rows: what a noise layer, or a layer with weights, takes; what weights make of them.

#include <algorithm>

#include "scalemix/engine/node.h"

namespace scalemix::inline v0::engine {
namespace {

class Noise : public Node {
 public:
  Noise(const Decoration& noise, std::size_t width, bool train)
      : Node(width, width), noise_(noise), train_(train) {}

  double forward(const Frame& f, const float* x, float* y) const override {
    if (f.mode != Mode::deterministic) {
      model::At at = noise_.at(f);
      if (!train_) at.kept = f.scratch;
      return kind().forward(at, x, y);
    }
    if (x != y) std::copy_n(x, f.rows * in, y);
    if (kind().centre) kind().centre(noise_.at(f), y);
    return 0;
  }

  void backward(const Frame& f, const float* x, const float*, float* dy, float* dx) const override {
    if (dx || trained()) kind().backward(noise_.at(f), x, dy, dx, f.penalty_weight);
  }

  std::size_t kept(std::size_t rows) const override { return train_ ? works_in(rows) : 0; }
  std::size_t scratch(std::size_t rows, bool backward) const override {
    return train_ || backward ? 0 : works_in(rows);
  }
  bool in_place(bool) const override { return kind().in_place; }
  bool gradient_in_place() const override { return kind().in_place; }
  bool reads_input() const override { return !kind().in_place; }
  bool trained() const override { return noise_.trained(); }
  bool stochastic() const override { return true; }

 private:
  const model::NoiseKind& kind() const { return noise_.kind(); }
  std::size_t works_in(std::size_t rows) const {
    return kind().kept ? kind().kept(noise_.use, rows, train_) : 0;
  }

  const Decoration& noise_;
  bool train_;
};

}  // namespace

std::unique_ptr<Node> make_noise(const Decoration& noise, std::size_t width, bool train) {
  return std::make_unique<Noise>(noise, width, train);
}

Nodes make_noise(const Making& m) {
  Nodes out;
  out.push_back(make_noise(*m.noise, model::elements(m.in), m.train));
  return out;
}

}  // namespace scalemix::inline v0::engine
