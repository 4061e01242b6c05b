// The penalty -log p(|w|) and its slope as cubics, for densities whose formula is too slow to be
// computed for every weight in every step.
//
// An octave of |w| has 16 segments, found from the bits of |w|; on each, penalty and slope are
// cubics through four Chebyshev nodes. The table reaches from 2^-20 of the smaller to 2^12 of the
// larger of two given scales.
//
// Below it, at |w| < e, the penalty is rounded off: slope(e) w / e, which is 0 at 0, and the parabola
// that has this slope. So a pole of the density costs a finite penalty and a finite slope, and the
// two stay value and derivative of one function. Above it the exact function is called.
//
// Error: slope 1e-6 of itself, penalty 1e-6 max(1, itself).
#pragma once

#include <functional>
#include <vector>

namespace scalemix::inline v0::prior {

class PenaltyTable {
 public:
  struct Point {
    double penalty, slope;
  };
  using Exact = std::function<Point(double w)>;

  /// `exact` is called for w > 0.
  PenaltyTable(Exact exact, double smaller_scale, double larger_scale);

  double penalty(double w) const;
  double slope(double w) const;

 private:
  struct Cubics {
    double penalty[4], slope[4];
  };

  Exact exact_;
  double least_, most_;
  Point at_least_;
  std::vector<Cubics> segments_;
};

}  // namespace scalemix::inline v0::prior
