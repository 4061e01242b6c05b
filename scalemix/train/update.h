// What follows the backward pass of a replica: the penalties' gradients, the rule's update of every
// number, and what the next step needs prepared. Pairs of rule and noise that are in optim/fused.h
// take one pass; the rest goes the generic way, after the rule has looked at each tensor if it does.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "scalemix/engine/program.h"
#include "scalemix/optim/fused.h"
#include "scalemix/train/mask.h"
#include "scalemix/train/store.h"

namespace scalemix::inline v0::train {

class Update {
 public:
  /// All must outlive it. `clip`: largest norm of the gradient, 0: none. `mask`: or null; what it holds at
  /// zero has no gradient, and of weights that it lists no others are read or written.
  Update(Store& store, const engine::Program& program, double clip, const Mask* mask = nullptr);

  struct Input {
    std::size_t replica = 0;
    std::uint64_t step = 1;
    optim::Rate rate;
    double penalty_weight = 0;  // over the number of training rows
    engine::Frame frame;        // of the step, with the replica's rows
    const engine::Schedule* schedule = nullptr;
    float* memory = nullptr;
  };

  /// Clears what a backward pass adds to.
  void clear(const Input& input) const;
  /// Calls beside(first, last) over the parts of `numbers()` that it works through, from its
  /// threads, unless it clips: room for work that needs none of the step's memory. Returns the
  /// gradient's norm before clipping; not finite where a gradient is not.
  template <class Beside>
  double run(const Input& input, const Beside& beside);
  /// Numbers that are worked through; 0 if it clips, and `beside` is never called.
  std::size_t numbers() const { return clip_ > 0 ? 0 : numbers_; }

 private:
  /// Numbers [from, to) of a replica's row that are updated alike: a tensor, or several that lie side
  /// by side where the rule does not look at tensors.
  struct Part {
    std::size_t slot = 0;  // the first one's
    std::size_t from = 0, to = 0;
    bool decays = false;
    double rate = 1;
    bool operator==(const Part&) const = default;
  };
  struct Fused {
    const engine::Decoration* noise;
    optim::FusedUpdate update;
    Part w, own;
  };

  void find_fused();
  void find_parts();
  Part part_of(const engine::Slot& slot) const;
  const engine::Slot& slot_at(std::size_t offset) const;  // of a trained one
  model::At at(const Input& input, const engine::Decoration& noise) const;
  void terms_back(const Input& input) const;
  void finish(const Input& input) const;
  void hold_gradients(const Input& input);
  /// Lets the rule look at every tensor, and keeps what it scales them by. Returns the sum of the
  /// gradients' squares before `scale`; 0 if the rule does not look.
  double reduce(const Input& input, float scale);
  /// Numbers [from, to) of part `part`. Returns the sum of the gradients' squares, where rules do not
  /// look at them.
  double update_rest(const Input& input, std::size_t part, std::size_t from, std::size_t to,
                     float scale);
  double update_piece(const Input& input, const optim::Piece& piece) const;
  /// What is left of weights [from, to) of a span, side by side as the rule takes them.
  double update_left(const Input& input, const kernel::LeftWeights& left, std::size_t from,
                     std::size_t to, const optim::Piece& span) const;
  double update_numbers(const Input& input, std::size_t first, std::size_t last);
  double clipped(const Input& input);

  Store& store_;
  const engine::Program& program_;
  double clip_;
  const Mask* mask_;
  std::vector<Fused> fused_;
  std::vector<const engine::Decoration*> generic_;  // all, if it clips
  std::vector<Part> own_;                           // tensors of the generic ones
  std::vector<Part> rest_;                          // what no fused pair owns
  std::vector<float> scales_;                       // (R, rest) of a rule that looks at tensors
  std::size_t numbers_ = 0;
};

}  // namespace scalemix::inline v0::train

#include "scalemix/kernel/tiles.h"

#include <cmath>

namespace scalemix::inline v0::train {

template <class Beside>
double Update::run(const Input& input, const Beside& beside) {
  if (clip_ > 0) return clipped(input);
  terms_back(input);
  if (store_.rule.reduce) hold_gradients(input);
  const double reduced = reduce(input, 1);
  const double squares = kernel::sum_tiles(numbers_, [&](std::size_t first, std::size_t count) {
    beside(first, first + count);
    return update_numbers(input, first, first + count);
  });
  finish(input);
  return std::sqrt(reduced + squares);
}

}  // namespace scalemix::inline v0::train
