// Weights that are held at zero while the others train.
//
//   none
//   fixed         those that are zero at the start, as of a pruned network that training starts from
//   magnitude     the smallest of all layers, more and more of them: after a share t of the training,
//                 sparsity (1 - (1 - (t - start) / (end - start))^3) of the weights, chosen anew every
//                 so many steps; between them a weight at zero stays there
//
// Sources: Zhu & Gupta (2018), To prune, or not to prune, for the schedule; Han et al. (2015)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"
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

class Mask {
 public:
  /// Throws ConfigError for an unknown word or a value out of range, and for a network whose noise holds
  /// a posterior over its weights: that prunes by itself.
  Mask(const std::string& word, const model::Spec& spec, const Store& store);

  bool active() const { return kind_ != nullptr; }
  /// From the weights as they are, at this share of the training: at the start, and after a checkpoint
  /// was read.
  void start(const Store& store, double progress);
  /// After step `step` (from 1), which ends at this share of the training.
  void follow(Store& store, std::int64_t step, double progress);
  /// Puts what is off to zero.
  void hold(Store& store) const;

 private:
  double sparsity(double progress) const;
  void choose(Store& store, std::size_t replica, double sparsity);

  struct Span {
    std::size_t from, count;  // of a layer's weights in a row of values
  };
  const MaskKind* kind_ = nullptr;  // null: nothing is held
  std::vector<double> values_;      // of the kind's parameters
  std::vector<Span> spans_;
  std::vector<std::vector<std::uint8_t>> on_;  // (R) of the spans' weights, one after the other
  std::size_t weights_ = 0;
  bool chosen_ = false;  // magnitude has begun
};

}  // namespace scalemix::inline v0::train
