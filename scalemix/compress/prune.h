// Which weights go, and the network without them.
//
// All weights, or all units, stand in one order, by a rule's score; a pruned network has the first of
// them at zero and the others at their means. Nothing is trained again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/compress/moments.h"
#include "scalemix/compress/rule.h"

namespace scalemix::inline v0::compress {

/// What goes or stays together: single weights, or all that a unit or a channel takes. Those of the
/// last layer's units, which are the outputs, stay.
enum class Grain { weight, unit };

struct PruneOptions {
  std::string rule = "magnitude";
  Grain grain = Grain::weight;
  bool per_layer = false;      // the same share of every layer, else one order for all
  std::string hyper = "flat";  // gsm: hyper-prior of the scales
  std::uint64_t seed = 0;      // random
};

class Pruner {
 public:
  /// Throws ConfigError for an unknown rule or hyper-prior, for a rule that needs variances where the
  /// moments have none, and for a network in which nothing can go.
  Pruner(const model::Model& model, const Moments& moments, const PruneOptions& options);

  /// The network (plain.h) with at least this share of all its weights at zero, as little more as the
  /// groups allow. Throws ConfigError unless 0 <= sparsity < 1 and that many may go.
  model::Model at_sparsity(double sparsity) const;
  /// With everything that has log alpha at the threshold or above at zero. Throws ConfigError if the
  /// rule is not on that scale.
  model::Model at_threshold(double log_alpha) const;

  std::size_t weights() const { return weights_; }
  /// The largest sparsity that there is.
  double most() const;

 private:
  struct Entry {
    double score, tie;
    std::uint32_t layer;
    std::size_t first, count;  // of its weights

    bool operator<(const Entry& other) const {
      return score != other.score ? score < other.score : tie < other.tie;
    }
  };
  model::Model without(std::size_t entries) const;

  model::Model plain_;
  std::vector<std::string> names_;         // of layers with weights
  std::vector<std::vector<float>> means_;  // of each
  std::vector<Entry> order_;               // what goes first stands first
  bool log_alpha_ = false;
  Grain grain_;
  std::size_t weights_ = 0;
};

/// The share of all weights that is zero, of a network without posteriors.
double sparsity_of(const model::Model& model);

}  // namespace scalemix::inline v0::compress
