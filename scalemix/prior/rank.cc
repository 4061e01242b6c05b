#include "scalemix/prior/rank.h"

#include <algorithm>
#include <boost/math/interpolators/cardinal_cubic_b_spline.hpp>
#include <boost/math/tools/minima.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <optional>

#include "scalemix/base/check.h"
#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::prior {
namespace {

constexpr double kWide = 16, kLinear = 4;  // ranges of parameters
constexpr std::size_t kSampled = 1024;     // weights, while parameters are sought
constexpr double kScale = 3, kStep = 0.1;  // of ln sigma0 around that of the medians; of ln |w|
constexpr double kStill = 0.01;            // a move that ends the search
constexpr int kBits = 12, kRounds = 4;
constexpr std::uintmax_t kSteps = 12, kScaleSteps = 30;
constexpr double kSmallest = 1e-6;  // medians: below it priors change no more

using Function = std::function<double(double)>;

/// The least of f on [lo, hi], and where.
std::pair<double, double> least(const Function& f, double lo, double hi, std::uintmax_t steps) {
  return boost::math::tools::brent_find_minima(f, lo, hi, kBits, steps);
}

/// ln |w| of some weights, in order: enough to seek parameters with.
struct Sample {
  std::vector<double> log_size;
  double middle;
  double zeros;  // share of all weights, which are not in the sample
};

/// sigma0 at its best: its logarithm, and the penalty per weight, given that it is not 0.
struct BestScale {
  double log_sigma0, penalty;
};

BestScale best_scale(const law::AnyLaw& law, const Sample& w) {
  const Prior unit = Prior::induced(law);
  const double middle = w.middle - std::log(unit.median_size());
  const double lo = w.log_size.front() - middle - kScale, hi = w.log_size.back() - middle + kScale;
  std::vector<double> penalty(static_cast<std::size_t>((hi - lo) / kStep) + 2);
  for (std::size_t i = 0; i < penalty.size(); ++i) {
    penalty[i] = -unit.log_density(std::exp(lo + kStep * static_cast<double>(i)));
  }
  const boost::math::interpolators::cardinal_cubic_b_spline<double> spline(
      penalty.begin(), penalty.end(), lo, kStep);
  const auto mean_penalty = [&](double log_sigma0) {
    double sum = 0;
    for (const double x : w.log_size) sum += spline(x - log_sigma0);
    return sum / static_cast<double>(w.log_size.size()) + log_sigma0;
  };
  const auto [at, value] = least(mean_penalty, middle - kScale, middle + kScale, kScaleSteps);
  return {at, value + std::log1p(-unit.atom())};
}

/// Whether parameter i does what sigma0 does: all quantiles grow by one factor.
bool only_scales(const law::AnyLaw& law, std::size_t i) {
  std::vector<double> values(law.values().begin(), law.values().end());
  const Parameter& p = law.row().parameters[i];
  values[i] = values[i] * 2 < p.hi ? values[i] * 2 : values[i] / 2;
  const law::AnyLaw other = law::AnyLaw::make(law.row().name, values);
  const double factor = other.quantile(0.9) / law.quantile(0.9);
  return values[i] != law.values()[i] && std::abs(factor - 1) > 1e-9 &&
         std::abs(other.quantile(0.6) / law.quantile(0.6) - factor) < 1e-9 * std::abs(factor) &&
         std::abs(other.quantile(0.3) / law.quantile(0.3) - factor) < 1e-9 * std::abs(factor);
}

/// A parameter that shapes the prior, and where it is sought: its logarithm, or itself.
struct Shape {
  std::size_t i;
  bool log;
  double lo, hi;
};

/// Of 0 and 1 alone: the parameter is the size of the atom, and no matter of what is not 0.
bool is_atom(const law::AnyLaw& law) { return law.row().discrete && law.quantile(1 - 1e-12) <= 1; }

std::vector<Shape> shapes_of(const law::AnyLaw& law) {
  std::vector<Shape> out;
  for (std::size_t i = 0; i < law.values().size(); ++i) {
    const Parameter& p = law.row().parameters[i];
    if (only_scales(law, i) || is_atom(law)) continue;
    if (p.value == 0) {
      out.push_back({i, false, std::max(p.lo, -kLinear), std::min(p.hi, kLinear)});
    } else {
      out.push_back({i, true, std::log(std::max(p.lo * 1.001, p.value / kWide)),
                     std::log(std::min(p.hi * 0.999, p.value * kWide))});
    }
  }
  return out;
}

/// The search for a law's shape: by each parameter in turn, and along what a round of turns has
/// moved, since two parameters of a law often pull together.
class Search {
 public:
  Search(std::string_view name, const Sample& w) : w_(w), start_(law::AnyLaw::parse(name)) {
    if (is_atom(start_)) start_ = law::AnyLaw::make(name, std::vector{w.zeros});
    shapes_ = shapes_of(start_);
    for (const Shape& shape : shapes_) at_.push_back((shape.lo + shape.hi) / 2);
  }

  Fit fit() {
    bool moves = !shapes_.empty();
    for (int round = 0; moves && round < kRounds; ++round) {
      const std::vector<double> moved = turn();
      moves = shapes_.size() > 1 && std::any_of(moved.begin(), moved.end(),
                                                [](double m) { return std::abs(m) > kStill; });
      if (moves) move(moved, -1, 4);
    }
    const law::AnyLaw law = law_at(at_);
    const Prior prior = Prior::induced(law, std::exp(best_scale(law, w_).log_sigma0));
    return {prior, 1 + static_cast<int>(shapes_.size()), 0, 0, 0, false};
  }

 private:
  law::AnyLaw law_at(const std::vector<double>& x) const {
    std::vector<double> values(start_.values().begin(), start_.values().end());
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double inside = std::clamp(x[j], shapes_[j].lo, shapes_[j].hi);
      values[shapes_[j].i] = shapes_[j].log ? std::exp(inside) : inside;
    }
    return law::AnyLaw::make(start_.row().name, values);
  }

  /// To the best of at + step * direction, step from lo to hi.
  void move(const std::vector<double>& direction, double lo, double hi) {
    const auto along = [&](double step) {
      std::vector<double> x = at_;
      for (std::size_t j = 0; j < x.size(); ++j) x[j] += step * direction[j];
      return x;
    };
    const auto penalty = [&](double step) { return best_scale(law_at(along(step)), w_).penalty; };
    at_ = along(least(penalty, lo, hi, kSteps).first);
  }

  /// Each parameter once; how far each has moved.
  std::vector<double> turn() {
    std::vector<double> moved = at_;
    for (std::size_t j = 0; j < shapes_.size(); ++j) {
      std::vector<double> axis(shapes_.size());
      axis[j] = 1;
      move(axis, shapes_[j].lo - at_[j], shapes_[j].hi - at_[j]);
      moved[j] = at_[j] - moved[j];
    }
    return moved;
  }

  const Sample& w_;
  law::AnyLaw start_;
  std::vector<Shape> shapes_;
  std::vector<double> at_;
};

double mean(const std::vector<double>& x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}

/// The sizes of all weights that are not 0, in order.
std::vector<float> sizes_of(std::span<const float> w) {
  std::vector<float> sizes;
  for (std::size_t i = 0; i < w.size(); ++i) {
    check_finite("rank", "weight " + std::to_string(i), w[i]);
    if (w[i] != 0) sizes.push_back(std::abs(w[i]));
  }
  check(!sizes.empty(), "rank", "expected weights that are not 0, got none");
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

Sample sample_of(const std::vector<float>& sizes, std::size_t weights) {
  const std::size_t n = sizes.size(), few = std::min(n, kSampled);
  Sample out{
      {}, std::log(sizes[n / 2]), static_cast<double>(weights - n) / static_cast<double>(weights)};
  for (std::size_t i = 0; i < few; ++i) {
    const double size = sizes[(2 * i + 1) * n / (2 * few)];
    out.log_size.push_back(std::max(std::log(size), out.middle + std::log(kSmallest)));
  }
  return out;
}

/// How far `fit` is behind the best, from the log likelihoods of each weight.
void compare(Fit& fit, const std::vector<double>& best, const std::vector<double>& each) {
  const double count = static_cast<double>(each.size());
  double square = 0;
  fit.behind = mean(best) - mean(each);
  for (std::size_t i = 0; i < each.size(); ++i) {
    square += std::pow(best[i] - each[i] - fit.behind, 2);
  }
  fit.error = std::sqrt(square) / count;
  fit.resolved = fit.behind > 2 * fit.error && fit.behind * count > 2;
}

}  // namespace

Ranking rank(std::span<const float> w) {
  const std::vector<float> sizes = sizes_of(w);
  const Sample sample = sample_of(sizes, w.size());
  const std::vector<law::LawRow>& laws = law::laws();
  std::vector<std::optional<Fit>> fits(laws.size());
  std::vector<std::vector<double>> each(laws.size());  // log likelihood of each weight
  parallel_tiles(laws.size(), [&](std::size_t k) {
    Fit fit = Search(laws[k].name, sample).fit();
    const double given = -std::log1p(-fit.prior.atom());  // that it is not 0
    for (const float size : sizes) each[k].push_back(given - fit.prior.penalty(1, &size));
    fit.log_likelihood = mean(each[k]);
    fits[k].emplace(std::move(fit));
  });
  std::vector<std::size_t> order(laws.size());
  std::iota(order.begin(), order.end(), 0);
  const double count = static_cast<double>(sizes.size());
  const auto score = [&](std::size_t k) {
    return fits[k]->log_likelihood - fits[k]->parameters * std::log(count) / (2 * count);
  };
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return score(a) > score(b); });
  Ranking out{w.size(), w.size() - sizes.size(), {}};
  for (const std::size_t k : order) {
    compare(*fits[k], each[order[0]], each[k]);
    out.fits.push_back(*fits[k]);
  }
  return out;
}

}  // namespace scalemix::inline v0::prior
