// A prior on groups of weights that share one draw of the noise, which is what noise on a unit, on a
// channel or on a whole layer means:
//
//   v_j = z w_j,  w_j ~ N(0, sigma0^2),  j = 1 ... d:   p(v) = E N(v; 0, z^2 sigma0^2 I_d)
//
// It is a function of the radius |v| alone. As a penalty it pulls the group as a whole: hardly at all
// where the radius is large, to zero all together where it is small (of the horseshoe's kind).
//
// The expectation is an integral over t = ln |z| whose integrand
//
//   p(t) exp(-d t - r^2 e^{-2 t} / (2 sigma0^2))
//
// is walked outwards from its peak, by panels that are halved until they agree to 1e-10. Laws whose
// density of t has one peak are meant: all of law/ have. Steps read a table (penalty_table.h), which
// is rounded off at radius 0.
//
// Accuracy: 1e-9 of the penalty (1e-8 where the law's density jumps); the table's is 1e-6.
//
// Source: Andrews & Mallows (1974), Scale mixtures of normal distributions, JRSS B 36; Nalisnick,
// Hernandez-Lobato & Smyth (2019) for groups
#pragma once

#include <cstddef>

#include "scalemix/prior/groups.h"
#include "scalemix/prior/penalty_table.h"
#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::prior {

/// -log p(v) of d numbers and its slope by the radius r > 0, the integral itself. Of a law with an
/// atom at 0: of the part that has a density, as in Prior.
PenaltyTable::Point joint_penalty(const Prior& prior, std::size_t d, double radius);

class Joint {
 public:
  Joint(const Prior& prior, const Groups& groups);

  const Groups& groups() const { return groups_; }
  /// The sum over groups of -log p, in nats. w: (groups x size).
  double penalty(const float* w) const;
  /// dw += weight times its gradient, 0 of a group of zeros. w, dw: as many.
  void slope(const float* w, float weight, float* dw) const;

 private:
  Groups groups_;
  PenaltyTable table_;  // by the radius
};

}  // namespace scalemix::inline v0::prior
