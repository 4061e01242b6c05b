#include "scalemix/law/table.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/law/sampler.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::law {
namespace {

/// Where a segment lies: u = offset + sign * (centre + v) * unit for |v| <= half.
struct Segment {
  bool upper;
  double unit, centre, half;

  Segment(std::uint32_t split, std::uint32_t index) {
    const std::uint32_t per_side = kOctaves << split, place = index % per_side;
    upper = index >= per_side;
    unit = std::ldexp(1.0, static_cast<int>(place >> split) - 24);
    half = std::ldexp(0.5, -static_cast<int>(split));
    centre = 1 + half * (2 * (place & ((1u << split) - 1)) + 1);
  }
  double u(double v) const {
    const double t = (centre + v) * unit;
    return upper ? 1 - t : t;
  }
};

/// Coefficients of the cubic in v through f at the Chebyshev nodes of [-half, half].
std::array<double, 4> interpolate(const Quantile& f, const Segment& s) {
  // f = sum_j a_j T_j(x), x = v / half: a_j from the discrete orthogonality of T_j on the nodes.
  constexpr double kPi = 3.14159265358979323846;
  std::array<double, 4> a{};
  for (int node = 0; node < 4; ++node) {
    const double angle = kPi * (node + 0.5) / 4;
    const double y = f(s.u(s.half * std::cos(angle)));
    for (int j = 0; j < 4; ++j) a[j] += y * std::cos(j * angle) / (j == 0 ? 4 : 2);
  }
  const std::array<double, 4> powers = {a[0] - a[2], a[1] - 3 * a[3], 2 * a[2], 4 * a[3]};
  std::array<double, 4> c{};
  for (int j = 0; j < 4; ++j) c[j] = powers[j] / std::pow(s.half, j);
  return c;
}

float evaluate(const float* c, float v) { return ((c[3] * v + c[2]) * v + c[1]) * v + c[0]; }

/// Fills the segment's row and says whether its error is within the bound at the middle and both
/// ends.
bool fill_segment(const Quantile& f, const Segment& s, double scale, float* row) {
  const std::array<double, 4> c = interpolate(f, s);
  std::transform(c.begin(), c.end(), row, [](double x) { return static_cast<float>(x); });
  return std::ranges::all_of(std::array{-s.half, 0.0, s.half}, [&](double v) {
    const double exact = f(s.u(v));
    const double error = std::abs(evaluate(row, static_cast<float>(v)) - exact);
    return error <= kTableError / 2 * std::max(std::abs(exact), scale);
  });
}

bool fill_table(const Quantile& f, double scale, CubicTable& table) {
  const std::uint32_t segments = 2 * kOctaves << table.split;
  table.coefficients.assign(4 * static_cast<std::size_t>(segments), 0.0f);
  for (std::uint32_t i = 0; i < segments; ++i) {
    if (!fill_segment(f, Segment(table.split, i), scale, &table.coefficients[4 * i])) return false;
  }
  return true;
}

/// The number of k in [0, 2^23) with quantile(u(k)) <= i, not below `from`.
std::uint32_t count_up_to(const Quantile& quantile, double i, std::uint32_t from) {
  std::uint32_t low = from, high = 1u << 23;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (quantile(uniform_of(middle << 9)) <= i) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

}  // namespace

CubicTable cubic_table(const Quantile& quantile) {
  const double scale = std::max(std::abs(quantile(0.25)), std::abs(quantile(0.75)));
  for (std::uint32_t split = kMinSplit; split <= kMaxSplit; ++split) {
    CubicTable table{split, {}};
    if (fill_table(quantile, scale, table)) return table;
  }
  fail<std::domain_error>("law", "too steep to tabulate within the error bound; larger quartile",
                          scale);
}

StepTable step_table(const Quantile& quantile) {
  StepTable table;
  std::uint32_t count = 0;
  for (double i = 0; count < 1u << 23; ++i) {
    count = count_up_to(quantile, i, count);
    table.thresholds.push_back(count);
  }
  std::uint32_t i = 0;
  for (std::uint32_t k = 0; k < 1u << 23; k += 1u << 15) {
    while (k >= table.thresholds[i]) ++i;
    table.start.push_back(i);
  }
  return table;
}

}  // namespace scalemix::inline v0::law
