// Weights that are held at zero while the others train.
//
//   none
//   fixed         those that are zero at the start, as of a pruned network that training starts from
//   magnitude     the smallest of all layers, more and more of them: after a share t of the training,
//                 sparsity (1 - (1 - (t - start) / (end - start))^3) of the weights, chosen anew every
//                 so many steps; between them a weight at zero stays there
//
// Where enough of a layer's weights are held, those that are left are listed whenever the choice changes: a
// step then multiplies (dense layers without noise on their weights) and updates (all layers) nothing
// else. Whether, depends on the replica's own mask alone.
//
// Sources: Zhu & Gupta (2018), To prune, or not to prune, for the schedule; Han et al. (2015)
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/kernel/left_weights.h"
#include "scalemix/train/store.h"

namespace scalemix::inline v0::train {

/// The words.
struct MaskKind {
  std::string_view name, summary, source;
  std::vector<Parameter> parameters;
};
const std::vector<MaskKind>& mask_kinds();

/// Throws ConfigError or std::domain_error as the constructor does for the word.
void check_mask(const std::string& word);

/// From which share of a layer's weights at zero on the others are listed. A step of mlp:300-100 and of
/// mlp:1000-1000, batch 100, one thread of a Zen 4 core (scalemix bench --only "at zero"): with lists
/// the first is faster from 75 % on, the second from 80 %. A constant, so that a resumed run takes
/// the same way again.
inline constexpr double kListed = 0.8;

class Mask {
 public:
  /// `listed`: as kListed; above 1: never. Throws ConfigError for an unknown word or a value out of range,
  /// and for a network whose noise holds a posterior over its weights: that prunes by itself.
  Mask(const std::string& word, const model::Spec& spec, const Store& store,
       double listed = kListed);

  bool active() const { return kind_ != nullptr; }
  /// From the weights as they are, at this share of the training: at the start, and after a checkpoint
  /// was read.
  void start(const Store& store, double progress);
  /// After step `step` (from 1), which ends at this share of the training.
  void follow(Store& store, std::int64_t step, double progress);
  /// Puts what is off to zero.
  void hold(Store& store) const;
  /// Puts the gradients of what is off to zero, of one replica.
  void hold_gradients(Store& store, std::size_t replica) const;

  struct Span {
    std::size_t from, count;  // of a layer's weights in a row of values
    std::size_t out;          // its units or channels
  };
  const std::vector<Span>& spans() const { return spans_; }  // in rising order
  /// Which span is a layer's, by name.
  const std::map<std::string, std::size_t>& layers() const { return layers_; }
  /// What is left of each span, listed or not; null if nothing is held.
  const kernel::LeftWeights* left(std::size_t replica) const {
    return active() ? left_[replica].data() : nullptr;
  }

 private:
  double sparsity(double progress) const;
  void choose(Store& store, std::size_t replica, double sparsity);
  void list(std::size_t replica);
  void hold(Store& store, bool listed) const;

  const double listed_;
  const MaskKind* kind_ = nullptr;  // null: nothing is held
  std::vector<double> values_;      // of the kind's parameters
  std::vector<Span> spans_;
  std::map<std::string, std::size_t> layers_;
  std::vector<std::vector<std::uint8_t>> on_;  // (R) of the spans' weights, one after the other
  std::vector<std::vector<kernel::LeftWeights>> left_;  // (R, spans)
  std::size_t weights_ = 0;
  bool chosen_ = false;  // magnitude has begun
};

}  // namespace scalemix::inline v0::train
