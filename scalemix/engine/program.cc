#include "scalemix/engine/program.h"

#include <algorithm>

#include "scalemix/base/check.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::engine {

/// Walks a spec, appending nodes.
class Program::Builder {
 public:
  Builder(Program& program, const Layout& layout, const ProgramOptions& options)
      : p_(program), layout_(layout), options_(options) {}

  void run(const model::Spec& spec) {
    p_.widths_.push_back(model::elements(spec.input));
    layers(spec.layers, spec.input, 0);
  }

 private:
  using Layers = std::vector<model::Layer>;

  /// The value that the last layer makes of value x.
  std::size_t layers(const Layers& list, model::Shape shape, std::size_t x) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const model::Shape next = model::output_shape(list[i], shape);
      x = layer(list, i, shape, next, x);
      shape = next;
    }
    return x;
  }

  std::size_t layer(const Layers& list, std::size_t i, const model::Shape& in,
                    const model::Shape& out, std::size_t x) {
    const model::Layer& layer = list[i];
    const model::Family family = model::layer_kind(layer.type).family;
    if (family == model::Family::shape) return x;
    if (family == model::Family::residual) return residual(layer, in, x);
    Decoration* noise = decorate(layer, in);
    const Zeros zeros{
        .data = p_.sparse_ && x == 0,
        .gradients = options_.train && repays_listing(layer, out) && pooled(list, i + 1, out)};
    p_.sparse_gradients_ |= zeros.gradients;
    const auto left = options_.left.find(layer.name);
    Making making{layer, in, layout_, options_.train, zeros, noise};
    if (left != options_.left.end()) making.left = &left->second;
    const auto held = options_.held.find(layer.name);
    if (held != options_.held.end()) making.held = held->second;
    for (std::unique_ptr<Node>& node : make(family, making)) {
      x = append(std::move(node), x, noise, layer.name);
    }
    return x;
  }

  static Nodes make(model::Family family, const Making& making) {
    switch (family) {
      case model::Family::weighted:
        return make_weighted(making);
      case model::Family::norm:
        return make_norm(making);
      case model::Family::activation:
        return make_activation(making);
      case model::Family::pool:
        return make_pool(making);
      case model::Family::moments:
        return make_moments(making);
      default:
        return make_noise(making);
    }
  }

  std::size_t append(std::unique_ptr<Node> node, std::size_t x, Decoration* noise,
                     const std::string& layer) {
    node->prepared_at = take(node->prepared());
    p_.widths_.push_back(node->out);
    p_.instructions_.push_back({.node = std::move(node),
                                .x = x,
                                .y = p_.widths_.size() - 1,
                                .noise = noise,
                                .layer = layer});
    if (noise) noise->instruction = p_.instructions_.size() - 1;
    return p_.instructions_.back().y;
  }

  std::size_t residual(const model::Layer& layer, const model::Shape& in, std::size_t x) {
    const std::size_t branch = layers(layer.branch, in, x), side = layers(layer.shortcut, in, x);
    const std::size_t y = append(make_join(p_.widths_[branch]), branch, nullptr, layer.name);
    p_.instructions_.back().other = side;
    return y;
  }

  /// The noise that draws; priors are kept beside it.
  Decoration* decorate(const model::Layer& layer, const model::Shape& in) {
    Decoration* drawn = nullptr;
    for (const model::Noise& noise : layer.noise) {
      p_.noises_.push_back(std::make_unique<Decoration>(noise, layer, in, layout_, options_.train));
      Decoration& made = *p_.noises_.back();
      made.prepared_at = take(made.prepared());
      made.marks_at = p_.marks_;
      if (options_.train) p_.marks_ += made.marks(options_.rows);
      if (made.kind().draws()) drawn = &made;
    }
    return drawn;
  }

  std::size_t take(std::size_t floats) {
    const std::size_t at = p_.prepared_;
    p_.prepared_ += (floats + 15) / 16 * 16;
    return at;
  }

  Program& p_;
  const Layout& layout_;
  const ProgramOptions& options_;
};

Program::Program(const model::Spec& spec, const Layout& layout, const ProgramOptions& options)
    : train_(options.train),
      sparse_(options.train && options.sparse_data && repays_marking(spec, options.rows)) {
  Builder(*this, layout, options).run(spec);
}

std::size_t Program::first_draw() const {
  std::size_t i = 0;
  while (i < instructions_.size() && !instructions_[i].node->stochastic()) ++i;
  return i;
}

double Program::work() const {
  double sum = 0;
  for (const Instruction& instruction : instructions_) sum += instruction.node->work();
  return sum * (train_ ? 3 : 1);
}

void Program::prepare(const Frame& frame) const {
  for (const auto& noise : noises_) {
    if (noise->kind().prepare) noise->kind().prepare(noise->at(frame));
  }
  for (const Instruction& instruction : instructions_) instruction.node->prepare(frame);
}

double Program::forward(Frame frame, const Schedule& schedule, float* memory, std::size_t begin,
                        std::size_t end) const {
  check(prepared_ == 0 || frame.prepared, "program", "prepare() has nowhere to put what it makes");
  double penalty = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const Instruction& instruction = instructions_[i];
    frame.kept = schedule.kept_[i] == kNone ? nullptr : memory + schedule.kept_[i];
    frame.scratch = memory + schedule.scratch_[i];
    if (instruction.other != kNone) frame.other = schedule.value(instruction.other, memory);
    penalty += instruction.node->forward(frame, schedule.value(instruction.x, memory),
                                         schedule.value(instruction.y, memory));
  }
  return penalty;
}

void Program::backward(Frame frame, const Schedule& schedule, float* memory) const {
  for (std::size_t i = instructions_.size(); i-- > 0;) {
    const Instruction& instruction = instructions_[i];
    float* dy = schedule.gradient(instruction.y, memory);
    if (!dy) continue;  // nothing before it is trained
    frame.kept = schedule.kept_[i] == kNone ? nullptr : memory + schedule.kept_[i];
    frame.scratch = memory + schedule.scratch_back_[i];
    frame.d_prepared = schedule.d_prepared(i, memory);
    float* dx = schedule.gradient(instruction.x, memory);
    float* made = schedule.sum_[i] == kNone ? dx : memory + schedule.sum_[i];
    const std::size_t rows = frame.rows;
    instruction.node->backward(frame, schedule.value(instruction.x, memory),
                               schedule.value(instruction.y, memory), dy, made);
    if (made != dx) kernel::add(rows * widths_[instruction.x], made, dx);
    if (instruction.other == kNone) continue;
    // A join leaves dy as it is.
    const std::size_t count = rows * widths_[instruction.y];
    float* side = schedule.gradient(instruction.other, memory);
    if (side && schedule.side_adds_[i]) {
      kernel::add(count, dy, side);
    } else if (side) {
      std::copy_n(dy, count, side);
    }
  }
}

}  // namespace scalemix::inline v0::engine
