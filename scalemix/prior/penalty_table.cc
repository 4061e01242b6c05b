#include "scalemix/prior/penalty_table.h"

#include <array>
#include <bit>
#include <boost/math/constants/constants.hpp>
#include <cmath>
#include <cstdint>
#include <utility>

namespace scalemix::inline v0::prior {
namespace {

constexpr int kBelow = 20, kAbove = 12;  // octaves around the scales
constexpr int kSplit = 4;                // log2 of the segments of an octave
constexpr int kMantissa = 52;

/// The number of the segment that holds w > 0, counted from that of 0.
std::uint64_t segment_of(double w) {
  return std::bit_cast<std::uint64_t>(w) >> (kMantissa - kSplit);
}
double start_of(std::uint64_t segment) {
  return std::bit_cast<double>(segment << (kMantissa - kSplit));
}

/// Where w is in its segment: -1 at its start, 1 at its end.
double local(double w, std::uint64_t segment) {
  const double lo = start_of(segment), hi = start_of(segment + 1);
  return (2 * w - lo - hi) / (hi - lo);
}

double horner(const double (&c)[4], double x) { return c[0] + x * (c[1] + x * (c[2] + x * c[3])); }

/// The cubic through y at the Chebyshev nodes, by powers.
void fit(const std::array<double, 4>& node, const std::array<double, 4>& y, double (&c)[4]) {
  double chebyshev[4];
  for (int k = 0; k < 4; ++k) {
    chebyshev[k] = 0;
    for (int i = 0; i < 4; ++i) chebyshev[k] += y[i] * std::cos(k * std::acos(node[i])) / 2;
  }
  c[0] = chebyshev[0] / 2 - chebyshev[2];
  c[1] = chebyshev[1] - 3 * chebyshev[3];
  c[2] = 2 * chebyshev[2];
  c[3] = 4 * chebyshev[3];
}

}  // namespace

PenaltyTable::PenaltyTable(Exact exact, double smaller_scale, double larger_scale)
    : exact_(std::move(exact)),
      least_(std::exp2(std::floor(std::log2(smaller_scale)) - kBelow)),
      most_(std::exp2(std::floor(std::log2(larger_scale)) + kAbove)),
      at_least_(exact_(least_)),
      segments_(segment_of(most_) - segment_of(least_)) {
  std::array<double, 4> node{};
  for (int i = 0; i < 4; ++i) {
    node[i] = std::cos((2 * i + 1) * boost::math::constants::pi<double>() / 8);
  }
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const double lo = start_of(segment_of(least_) + s), hi = start_of(segment_of(least_) + s + 1);
    std::array<double, 4> penalty{}, slope{};
    for (int i = 0; i < 4; ++i) {
      const Point at = exact_((lo + hi + node[i] * (hi - lo)) / 2);
      penalty[i] = at.penalty;
      slope[i] = at.slope;
    }
    fit(node, penalty, segments_[s].penalty);
    fit(node, slope, segments_[s].slope);
  }
}

double PenaltyTable::penalty(double w) const {
  const double x = std::abs(w);
  if (x < least_) {
    return at_least_.penalty - at_least_.slope * (least_ - x * (x / least_)) / 2;
  }
  if (!(x < most_)) return exact_(x).penalty;
  const std::uint64_t segment = segment_of(x);
  return horner(segments_[segment - segment_of(least_)].penalty, local(x, segment));
}

double PenaltyTable::slope(double w) const {
  const double x = std::abs(w);
  if (x < least_) return at_least_.slope * (w / least_);
  if (!(x < most_)) return std::copysign(exact_(x).slope, w);
  const std::uint64_t segment = segment_of(x);
  return std::copysign(horner(segments_[segment - segment_of(least_)].slope, local(x, segment)), w);
}

}  // namespace scalemix::inline v0::prior
