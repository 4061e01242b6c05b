// A network as a list of nodes over values: what a layer takes and gives. The trainer's step and
// the predictor are programs, the one with a backward pass, the other without.
//
// A residual block is its branch's nodes, its shortcut's, and a join; a value that is read twice
// lives until its last reader, and its gradient is the sum of theirs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/engine/node.h"
#include "scalemix/engine/product.h"

namespace scalemix::inline v0::engine {

inline constexpr std::size_t kNone = static_cast<std::size_t>(-1);

/// A node with the values that it reads and writes.
struct Instruction {
  std::unique_ptr<Node> node;
  std::size_t x = 0, y = 0;
  std::size_t other = kNone;    // second input of a join
  Decoration* noise = nullptr;  // the layer's
  std::string layer;
};

struct ProgramOptions {
  bool train = false;    // with a backward pass
  std::size_t rows = 0;  // of a training batch, at most
  /// Training: data is mostly zeros, which a dense first layer leaves out if it is large enough.
  bool sparse_data = false;
  /// A prediction: layers that leave out the zeros of their weights, by name.
  std::map<std::string, Left> left = {};
  /// Training: layers with weights that may be held at zero, by name, and which of Frame::left is theirs.
  /// Dense ones without noise on their weights leave listed zeros out.
  std::map<std::string, std::size_t> held = {};
};

class Schedule;

class Program {
 public:
  /// Throws as Spec::validate does.
  Program(const model::Spec& spec, const Layout& layout, const ProgramOptions& options);
  Program(Program&&) noexcept = default;

  std::size_t width() const { return widths_.front(); }
  std::size_t outputs() const { return widths_.back(); }
  const std::vector<Instruction>& instructions() const { return instructions_; }
  /// Numbers in a row of each value; value 0 is the input, the last the output.
  const std::vector<std::size_t>& widths() const { return widths_; }
  /// The noises of all layers, in execution order; priors too.
  const std::vector<std::unique_ptr<Decoration>>& noises() const { return noises_; }
  bool train() const { return train_; }
  /// The first instruction that draws; instructions().size() if none does.
  std::size_t first_draw() const;
  /// Multiplications of all products on one row, about; of a training program with those of backward.
  double work() const;
  /// Whether the first layer leaves the data's zeros out: frames then bring their base.
  bool sparse() const { return sparse_; }
  /// Whether a convolution leaves out the zeros that a max pool leaves of its gradients.
  bool sparse_gradients() const { return sparse_gradients_; }
  /// Floats that prepare() fills.
  std::size_t prepared() const { return prepared_; }
  /// Floats that a training program's noises keep from step to step, per replica.
  std::size_t marks() const { return marks_; }

  /// To be called when values or state changed, but for what a fused update keeps up itself.
  void prepare(const Frame& frame) const;
  /// Runs instructions [begin, end) in `memory` (schedule.floats()); returns the penalty of data, nats.
  double forward(Frame frame, const Schedule& schedule, float* memory, std::size_t begin,
                 std::size_t end) const;
  /// From the gradient of the output to those of the tensors.
  void backward(Frame frame, const Schedule& schedule, float* memory) const;

 private:
  class Builder;

  std::vector<Instruction> instructions_;
  std::vector<std::size_t> widths_;
  std::vector<std::unique_ptr<Decoration>> noises_;
  std::size_t prepared_ = 0, marks_ = 0;
  bool train_ = false, sparse_ = false, sparse_gradients_ = false;
};

/// Where the values, gradients and scratch of a program lie in one block, for batches of at most
/// `rows` rows.
class Schedule {
 public:
  /// `first_again`: instructions from there on are run again and again on what came before (draws of a
  /// prediction); instructions().size(): none are.
  Schedule(const Program& program, std::size_t rows, std::size_t first_again);

  std::size_t rows() const { return rows_; }
  std::size_t floats() const { return floats_; }

  float* value(std::size_t v, float* memory) const { return memory + value_[v]; }
  float* input(float* memory) const { return value(0, memory); }
  float* output(float* memory) const { return value(value_.size() - 1, memory); }
  float* gradient(std::size_t v, float* memory) const {
    return gradient_[v] == kNone ? nullptr : memory + gradient_[v];
  }
  float* output_gradient(float* memory) const { return gradient(gradient_.size() - 1, memory); }
  /// The gradient of what a noise prepares, of the instruction that carries it; null if there is none.
  float* d_prepared(std::size_t instruction, float* memory) const {
    const std::size_t at = d_prepared_[instruction];
    return at == kNone ? nullptr : memory + at;
  }

 private:
  friend class Program;
  class Planner;

  std::size_t rows_, floats_ = 0;
  std::vector<std::size_t> value_, gradient_;                            // of each value
  std::vector<std::size_t> kept_, scratch_, scratch_back_, d_prepared_;  // of each instruction
  std::vector<std::size_t> sum_;  // of each instruction: where dx goes before it is added, or kNone
  std::vector<bool> side_adds_;   // of each join: whether other's gradient is there by then
};

}  // namespace scalemix::inline v0::engine
