#include "scalemix/torch/step/program.h"

#include <algorithm>

#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::step {

std::optional<Program> Program::make(const model::Spec& spec, const Layout& layout,
                                     std::size_t rows, bool sparse) {
  Program p;
  model::Shape shape = spec.input;
  p.rows_ = rows;
  p.sparse_ = sparse && repays_marking(spec, rows);
  p.width_ = model::elements(shape);
  p.memory_ = rows * p.width_;
  const auto take = [&p](std::size_t floats) {
    const std::size_t at = p.memory_;
    p.memory_ += (floats + 15) / 16 * 16;
    return at;
  };
  bool trained = false;
  for (std::size_t i = 0; i < spec.layers.size(); ++i) {
    const model::Layer& layer = spec.layers[i];
    const model::Shape in = shape;
    shape = model::output_shape(layer, in);
    if (renames(layer)) continue;
    const Zeros zeros{.data = p.sparse_ && p.nodes_.empty(),
                      .gradients = repays_listing(layer, shape) && pooled(spec, i + 1, shape)};
    p.sparse_gradients_ |= zeros.gradients;
    std::unique_ptr<Node> node = make_node(layer, in, layout, zeros);
    if (!node) return std::nullopt;
    if (!trained && model::parameters(layer).empty()) ++p.first_trained_;
    trained |= !model::parameters(layer).empty();
    if (Posterior* posterior = node->posterior()) {
      posterior->sigma2 = p.variances_;
      p.variances_ += posterior->count;
      p.posteriors_.push_back(*posterior);
    }
    p.work_ += 3 * static_cast<double>(rows) * node->work();
    const bool shared = node->in_place() && !p.nodes_.empty() && !p.nodes_.back()->reads_output();
    const Place before = p.places_.empty() ? Place{} : p.places_.back();
    p.places_.push_back({shared ? before.y : take(rows * node->out), take(node->scratch(rows)),
                         shared ? before.turn : 1 - before.turn});
    p.widest_ = std::max({p.widest_, node->in, node->out});
    p.nodes_.push_back(std::move(node));
  }
  if (p.nodes_.empty()) return std::nullopt;
  p.widest_ *= rows;
  p.gradient_ = take(2 * p.widest_);
  return p;
}

float* Program::forward(Frame frame, float* memory) const {
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    frame.scratch = memory + places_[i].scratch;
    nodes_[i]->forward(frame, input(i, memory), memory + places_[i].y);
  }
  return memory + places_.back().y;
}

void Program::backward(Frame frame, float* memory) const {
  for (std::size_t i = nodes_.size(); i-- > first_trained_;) {
    frame.scratch = memory + places_[i].scratch;
    float* dx = i > first_trained_ ? gradient(i - 1, memory) : nullptr;
    nodes_[i]->backward(frame, input(i, memory), memory + places_[i].y, gradient(i, memory), dx);
  }
}

}  // namespace scalemix::inline v0::step
