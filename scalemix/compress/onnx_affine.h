// x scale + shift, gathered from the Mul, Div, Add and Sub nodes that follow each other: for all
// numbers of a row, for each channel, or for each number.
#pragma once

#include <optional>
#include <vector>

#include "scalemix/compress/onnx_step.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::compress {

class OnnxAffine {
 public:
  /// Takes a step of kind scale or shift; `shape` is that of a row that comes. Throws OnnxNodeError
  /// where its constant is not one number, one a channel or one a number.
  void take(const OnnxStep& step, const model::Shape& shape);

  bool empty() const { return !node_; }
  /// Whether it leaves all as it is.
  bool is_identity() const;
  /// The first node; not null unless empty.
  const OnnxNode* node() const { return node_; }
  /// Whether it is the same for all numbers.
  bool of_all() const { return scale_.size() == 1; }
  /// Whether it says something for each number that is not the same in a channel of `shape`.
  bool of_each(const model::Shape& shape) const;

  double scale() const { return scale_[0]; }
  double shift() const { return shift_[0]; }
  /// For `n` channels, or `n` numbers in channels of equal size.
  std::vector<double> scales(std::size_t n) const { return spread(scale_, n); }
  std::vector<double> shifts(std::size_t n) const { return spread(shift_, n); }

 private:
  static std::vector<double> spread(const std::vector<double>& values, std::size_t n);

  const OnnxNode* node_ = nullptr;
  std::vector<double> scale_{1}, shift_{0};  // of equal size: 1, channels or numbers
};

/// How many numbers a constant of these dimensions has for a row of `shape`: 1, one a channel, or one
/// a number; nothing for anything else.
std::optional<std::size_t> broadcast_size(std::vector<std::int64_t> dims,
                                          const model::Shape& shape);

}  // namespace scalemix::inline v0::compress
