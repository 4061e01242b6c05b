#include "scalemix/metric/dependence.h"

#include "scalemix/base/order.h"

#include <algorithm>
#include <boost/math/special_functions/digamma.hpp>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace scalemix::inline v0::metric {
namespace {

using Span = std::span<const double>;

void check(Span x, Span y) {
  if (x.size() != y.size() || x.size() < 2) {
    throw std::invalid_argument("dependence: expected two or more pairs");
  }
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::all_of(x.begin(), x.end(), finite) || !std::all_of(y.begin(), y.end(), finite)) {
    throw std::domain_error("dependence: a value is not finite");
  }
}

/// The bin of each value, by rank; equal values have that of their middle.
std::vector<std::size_t> binned(Span x, std::size_t bins) {
  const std::vector<std::size_t> order = rising_order(x);
  std::vector<std::size_t> out(x.size());
  for (std::size_t first = 0; first < x.size();) {
    std::size_t last = first;
    while (last < x.size() && x[order[last]] == x[order[first]]) ++last;
    const std::size_t bin = (first + last - 1) / 2 * bins / x.size();
    for (; first < last; ++first) out[order[first]] = bin;
  }
  return out;
}

double entropy_term(double count, double n) {
  return count > 0 ? -count / n * std::log(count / n) : 0;
}

/// Values of `sorted` that are nearer than `radius` to x.
std::size_t within(const std::vector<double>& sorted, double x, double radius) {
  const auto lo = std::upper_bound(sorted.begin(), sorted.end(), x - radius);
  const auto hi = std::lower_bound(sorted.begin(), sorted.end(), x + radius);
  return hi > lo ? static_cast<std::size_t>(hi - lo) : 0;
}

}  // namespace

double correlation(Span x, Span y) {
  check(x, y);
  const auto n = static_cast<double>(x.size());
  const double mx = std::accumulate(x.begin(), x.end(), 0.0) / n,
               my = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    yy += (y[i] - my) * (y[i] - my);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

double histogram_information(Span x, Span y, std::size_t bins) {
  check(x, y);
  const auto n = static_cast<double>(x.size());
  if (bins == 0) bins = std::clamp<std::size_t>(static_cast<std::size_t>(std::cbrt(n)), 2, 64);
  const std::vector<std::size_t> bx = binned(x, bins), by = binned(y, bins);
  std::vector<double> of_x(bins), of_y(bins), of_both(bins * bins);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ++of_x[bx[i]], ++of_y[by[i]], ++of_both[bx[i] * bins + by[i]];
  }
  double sum = 0, occupied = 1;  // cells of the pair less those of the margins, plus 1
  const auto add = [&](const std::vector<double>& counts, double sign) {
    for (const double count : counts) {
      sum += sign * entropy_term(count, n);
      occupied -= count > 0 ? sign : 0;
    }
  };
  add(of_x, 1), add(of_y, 1), add(of_both, -1);
  return sum - occupied / (2 * n);
}

double neighbour_information(Span x, Span y, std::size_t neighbours) {
  check(x, y);
  const std::size_t n = x.size();
  if (neighbours < 1 || neighbours >= n) {
    throw std::invalid_argument("dependence: neighbours must be at least 1 and below the pairs");
  }
  const std::vector<std::size_t> order = rising_order(x);
  std::vector<double> sx(n), sy(y.begin(), y.end()), nearest;
  for (std::size_t i = 0; i < n; ++i) sx[i] = x[order[i]];
  std::sort(sy.begin(), sy.end());
  using boost::math::digamma;
  double sum = 0;
  for (std::size_t at = 0; at < n; ++at) {
    nearest.clear();  // a heap, the farthest of the nearest first
    std::size_t lo = at, hi = at + 1;
    const auto take = [&](std::size_t i) {
      const double d = std::fmax(std::fabs(sx[i] - sx[at]), std::fabs(y[order[i]] - y[order[at]]));
      if (nearest.size() == neighbours) {
        if (d >= nearest.front()) return;
        std::pop_heap(nearest.begin(), nearest.end());
        nearest.pop_back();
      }
      nearest.push_back(d);
      std::push_heap(nearest.begin(), nearest.end());
    };
    const auto open = [&](double distance) {
      return nearest.size() < neighbours || distance < nearest.front();
    };
    bool left = lo > 0, right = hi < n;
    while (left || right) {
      left = lo > 0 && open(sx[at] - sx[lo - 1]);
      if (left) take(--lo);
      right = hi < n && open(sx[hi] - sx[at]);
      if (right) take(hi++);
    }
    const double radius = nearest.front();
    const auto others = [](std::size_t count) { return count > 0 ? count - 1 : 0; };
    sum += digamma(static_cast<double>(others(within(sx, sx[at], radius)) + 1)) +
           digamma(static_cast<double>(others(within(sy, y[order[at]], radius)) + 1));
  }
  return digamma(static_cast<double>(neighbours)) + digamma(static_cast<double>(n)) -
         sum / static_cast<double>(n);
}

}  // namespace scalemix::inline v0::metric
