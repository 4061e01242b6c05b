#include "scalemix/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::report {
namespace {

/// 1, 2 or 5 times a power of ten, at least `least`.
double round_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<double> linear_ticks(const Scale& scale, std::size_t most) {
  const double step = round_step((scale.hi - scale.lo) / static_cast<double>(most));
  const double slack = 1e-9 * (scale.hi - scale.lo);
  std::vector<double> out;
  for (double k = std::ceil((scale.lo - slack) / step); k * step <= scale.hi + slack; ++k) {
    out.push_back(k == 0 ? 0 : k * step);
  }
  return out;
}

/// factor * 10^(multiples of stride) within the scale.
std::vector<double> log_ticks(const Scale& scale, const std::vector<double>& factors, int stride) {
  std::vector<double> out;
  const int first = static_cast<int>(std::floor(std::log10(scale.lo) / stride - 1e-9)) * stride;
  for (int e = first; e <= std::log10(scale.hi) + 1e-9; e += stride) {
    for (const double factor : factors) {
      const double tick = factor * std::pow(10.0, e);
      if (tick >= scale.lo * (1 - 1e-9) && tick <= scale.hi * (1 + 1e-9)) out.push_back(tick);
    }
  }
  return out;
}

/// Ends of a range without extent are moved apart.
void widen(Scale& scale) {
  if (scale.hi > scale.lo) return;
  if (scale.log) {
    scale.lo /= 2;
    scale.hi *= 2;
  } else {
    const double half = scale.lo == 0 ? 1 : std::abs(scale.lo) / 2;
    scale.lo -= half;
    scale.hi += half;
  }
}

void add_margin(Scale& scale, const Axis& axis, double margin) {
  if (margin == 0) return;  // exp(log(x)) may differ from x
  const bool log = scale.log;
  const double lo = log ? std::log(scale.lo) : scale.lo, hi = log ? std::log(scale.hi) : scale.hi;
  const double room = margin * (hi - lo);
  if (!axis.lo) scale.lo = log ? std::exp(lo - room) : lo - room;
  if (!axis.hi) scale.hi = log ? std::exp(hi + room) : hi + room;
}

}  // namespace

bool Scale::shows(double value) const { return std::isfinite(value) && (!log || value > 0); }

double Scale::at(double value) const {
  return log ? std::log(value / lo) / std::log(hi / lo) : (value - lo) / (hi - lo);
}

Scale scale_of(const Axis& axis, std::span<const double> values, double margin) {
  Scale scale{0, 0, axis.log};
  std::vector<double> shown;
  for (const double v : values) {
    if (scale.shows(v)) shown.push_back(v);
  }
  if (shown.empty()) shown.push_back(axis.log ? 1 : axis.lo.value_or(axis.hi.value_or(0)));
  const auto [least, largest] = std::minmax_element(shown.begin(), shown.end());
  scale.lo = axis.lo.value_or(*least);
  scale.hi = axis.hi.value_or(*largest);
  if ((axis.lo && axis.hi && !(*axis.lo < *axis.hi)) || !scale.shows(scale.lo) ||
      !scale.shows(scale.hi)) {
    fail<std::domain_error>("plot",
                            "an axis' ends must be finite, ordered and, if logarithmic, "
                            "positive; its lower end",
                            scale.lo);
  }
  if (scale.hi < scale.lo) (axis.lo ? scale.hi : scale.lo) = axis.lo ? scale.lo : scale.hi;
  widen(scale);
  add_margin(scale, axis, margin);
  return scale;
}

std::vector<double> ticks(const Scale& scale, std::size_t most) {
  if (!scale.log) return linear_ticks(scale, most);
  const double decades = std::log10(scale.hi / scale.lo);
  if (decades < 0.8) return linear_ticks(scale, most);
  if (decades < 2.5) return log_ticks(scale, {1, 2, 5}, 1);
  const int stride = static_cast<int>(std::ceil(decades / static_cast<double>(most)));
  return log_ticks(scale, {1}, stride);
}

std::string tick_text(double tick) {
  const double size = std::abs(tick);
  if (tick == 0 || (size >= 9.99e-4 && size < 99999)) return fmt::format("{:.5g}", tick);
  const int e = static_cast<int>(std::floor(std::log10(size) + 1e-9));
  return fmt::format("{:.3g}e{}", tick / std::pow(10.0, e), e);
}

}  // namespace scalemix::inline v0::report
