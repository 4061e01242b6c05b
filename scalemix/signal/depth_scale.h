// How deep a signal reaches: depth scales of the slopes, the depth at which a variance leaves the
// range of a number type, and rules for how deep a network may be and still train.
#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "scalemix/signal/fixed_point.h"
#include "scalemix/signal/slope.h"

namespace scalemix::inline v0::signal {

/// 1 / |ln slope|, layers: the depth over which a deviation shrinks (or grows) by e. Infinite
/// within kNeutral of 1, 0 at 0 and infinity. Throws std::domain_error if slope is negative or NaN.
double depth_scale(double slope);

struct DepthScales {
  double gradient = 0;     // xi_1, of slopes.gradient
  double one = 0;          // of slopes.one
  double correlation = 0;  // xi_c (Huang's xi_2), of slopes.correlation
  double variance = 0;     // xi_q, of slopes.variance
};
DepthScales depth_scales(const Slopes& slopes);

/// All that the theory says of one network.
struct Propagation {
  FixedPoint q, c;
  std::optional<Slopes> slopes;       // empty where there is no point to take them at
  std::optional<DepthScales> scales;  // with slopes
};
Propagation propagation(const Network& net, double q0 = 1);

/// Depth that a rule calls trainable, and what is known of the rule.
struct TrainableDepth {
  std::string_view rule, validity;
  double layers;
};
/// 6 xi_c, and 12 min(xi_1, xi_c).
std::array<TrainableDepth, 2> trainable_depths(const DepthScales& scales);

/// The range in which variances are numbers; float32's by default.
struct Range {
  double smallest = std::numeric_limits<float>::min(), largest = std::numeric_limits<float>::max();
};

struct RangeDepth {
  enum class End { stays, overflows, underflows } end = End::stays;
  double layers = std::numeric_limits<double>::infinity();  // infinite if it stays
  std::string reason;
};
/// The depth, a real number, at which the variance leaves the range; closed form for piecewise
/// linear activations,
///
///   (ln K - ln q0) / ln(sigma_w2 mu2 (1 + a^2) / 2),   K = range.largest or range.smallest,
///
/// else by iteration of at most 100 000 layers, after which it is said to stay. The sum of n
/// squares of a layer leaves the range up to ln n / |ln rate| layers earlier, the activations
/// themselves only at about twice the depth. Throws std::domain_error unless q0 is positive and
/// finite. Source: Pretorius et al. (2018), figure 6.
RangeDepth range_depth(const Network& net, double q0 = 1, const Range& range = {});

}  // namespace scalemix::inline v0::signal
