// Scales shared by groups of a layer's weights, and their closed-form updates.
//
//   weight   a scale for each weight
//   row      for all weights that leave an input unit, or an input channel of a convolution:
//            automatic relevance determination (ARD)
//   filter   for all weights that enter an output unit, or make an output channel
//   matrix   for the whole layer: automatic depth determination (ADD)
//   both     row times matrix (ARD-ADD): w ~ N(0, row^2 matrix^2 sigma0^2), each scale with the
//            hyper-prior; coordinate updates, iterated until the joint mode stays
//
// Source: Nalisnick, Hernandez-Lobato & Smyth (2019), Dropout as a structured shrinkage prior;
// MacKay (1992) and Neal (1996) for ARD
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/prior/hyper_prior.h"

namespace scalemix::inline v0::prior {

enum class Group { weight, row, filter, matrix, both };

/// A layer's weights, (out, in, window): window 1 of a dense layer.
struct Weights {
  std::size_t out = 0, in = 0, window = 1;
  std::size_t count() const { return out * in * window; }
};

class Scales {
 public:
  /// Throws std::domain_error for a layer without weights.
  Scales(HyperPrior hyper, Group group, const Weights& weights);

  /// Groups of one scale each: those of `both` are the rows.
  std::size_t groups() const { return groups_; }
  /// Weights in a group.
  std::size_t size() const { return weights_.count() / groups_; }
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

  /// What an update found.
  struct Modes {
    std::vector<double> scale2;  // (groups) lambda^2, times the layer's own of `both`
    double layer2 = 1;           // the layer's own, of `both`
    double cost = 0;             // of all groups, nats (hyper_prior.h)
  };
  /// From m (groups): the sums of E v^2 / sigma0^2. Throws std::domain_error as HyperPrior::mode.
  Modes update(const std::vector<double>& m) const;
  /// The same into a value of the right size, without the cost: allocates nothing.
  void update(const std::vector<double>& m, Modes& modes) const;

  Group group() const { return group_; }
  const HyperPrior& hyper() const { return hyper_; }

 private:
  double round(const std::vector<double>& m, double layer2, Modes& modes, double& seen) const;
  void update_both(const std::vector<double>& m, Modes& modes) const;

  HyperPrior hyper_;
  Group group_;
  Weights weights_;
  std::size_t groups_;
  std::size_t block_;  // neighbours that are in one group; then the next group follows
};

}  // namespace scalemix::inline v0::prior
