#include "scalemix/prior/convexity.h"

#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <limits>

namespace scalemix::inline v0::prior {
namespace {

constexpr int kOctavesBelow = 30, kSteps = 16;         // to an octave
constexpr int kOctavesAbove = 8, kOctavesClosed = 20;  // a mixture's nodes end somewhere
constexpr double kLevel = 1e-8;                        // a fall of less, of the slope, is rounding

/// Where the slope turns, between two octaves' steps on either side.
double turn(const Prior& prior, double lo, double hi, double sign) {
  const auto slope = [&](double t) { return sign * prior.slope(std::exp(t)); };
  return std::exp(
      boost::math::tools::brent_find_minima(slope, std::log(lo), std::log(hi), 30).first);
}

}  // namespace

std::vector<Interval> not_convex(const Prior& prior) {
  const double size = prior.median_size();
  const auto point = [&](int i) { return size * std::exp2(static_cast<double>(i) / kSteps); };
  std::vector<Interval> out;
  bool falling = false;
  double before = prior.slope(point(-kOctavesBelow * kSteps));
  const int last = (prior.name().empty() ? kOctavesAbove : kOctavesClosed) * kSteps;
  for (int i = -kOctavesBelow * kSteps + 1; i <= last; ++i) {
    const double slope = prior.slope(point(i));
    const bool falls = slope < before - kLevel * std::abs(before);
    const bool first = i == -kOctavesBelow * kSteps + 1;
    if (falls && !falling) {
      out.push_back({first ? 0 : turn(prior, point(i - 2), point(i), -1),
                     std::numeric_limits<double>::infinity()});
    } else if (!falls && falling) {
      out.back().hi = turn(prior, point(i - 2), point(i), 1);
    }
    falling = falls;
    before = slope;
  }
  return out;
}

}  // namespace scalemix::inline v0::prior
