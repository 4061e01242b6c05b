// Scales shared by groups of a layer's weights, and their closed-form updates.
//
// A scale for each group (groups.h): that of rows is automatic relevance determination (ARD), that of
// the matrix automatic depth determination (ADD). `both` is row times matrix (ARD-ADD):
// w ~ N(0, row^2 matrix^2 sigma0^2), each scale with the hyper-prior; coordinate updates, iterated
// until the joint mode stays.
//
// Source: Nalisnick, Hernandez-Lobato & Smyth (2019), Dropout as a structured shrinkage prior;
// MacKay (1992) and Neal (1996) for ARD
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/prior/groups.h"
#include "scalemix/prior/hyper_prior.h"

namespace scalemix::inline v0::prior {

class Scales : public Groups {
 public:
  /// Throws std::domain_error for a layer without weights, and for `both` under a hyper-prior
  /// without a density.
  Scales(HyperPrior hyper, Group group, const Weights& weights);

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

  const HyperPrior& hyper() const { return hyper_; }

 private:
  double round(const std::vector<double>& m, double layer2, Modes& modes, double& seen) const;
  void update_both(const std::vector<double>& m, Modes& modes) const;

  HyperPrior hyper_;
};

}  // namespace scalemix::inline v0::prior
