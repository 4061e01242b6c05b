// Which of a layer's weights belong together: those that share a scale.
//
//   weight   every weight is a group of its own
//   row      all weights that leave an input unit, or an input channel of a convolution
//   filter   all weights that enter an output unit, or make an output channel
//   matrix   the whole layer
//   both     the rows, and the whole layer over them
#pragma once

#include <algorithm>
#include <cstddef>

namespace scalemix::inline v0::prior {

enum class Group { weight, row, filter, matrix, both };

/// A layer's weights, (out, in, window): window 1 of a dense layer.
struct Weights {
  std::size_t out = 0, in = 0, window = 1;
  std::size_t count() const { return out * in * window; }
};

class Groups {
 public:
  /// Throws std::domain_error for a layer without weights.
  Groups(Group group, const Weights& weights);

  Group group() const { return group_; }
  /// Their number; those of `both` are the rows.
  std::size_t groups() const { return groups_; }
  /// Weights in each.
  std::size_t size() const { return count_ / groups_; }
  /// The group of weight e of the flat layer.
  std::size_t group_of(std::size_t e) const { return e / block_ % groups_; }
  /// Walks over weights [first, first + n): alike(e, n, g) for n neighbours from e on that are all in
  /// group g, or apart(e, n, g) for n neighbours in groups g, g + 1, ...
  template <class Alike, class Apart>
  void walk(std::size_t first, std::size_t n, const Alike& alike, const Apart& apart) const {
    const std::size_t end = first + n, run = block_ > 1 ? block_ : groups_;
    for (std::size_t e = first; e < end;) {
      const std::size_t count = std::min(end - e, run - e % run);
      block_ > 1 ? alike(e, count, group_of(e)) : apart(e, count, group_of(e));
      e += count;
    }
  }

 private:
  Group group_;
  std::size_t count_, groups_;
  std::size_t block_;  // neighbours that are in one group; then the next group follows
};

}  // namespace scalemix::inline v0::prior
