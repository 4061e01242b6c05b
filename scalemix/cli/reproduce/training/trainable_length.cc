// Huang et al. (2020), figure 7: how long a tanh network with dropout may be and still train, over
// sigma_w2 and length, against 6 xi_c and 12 min(xi_1, xi_c). Published: width 400, batch 1000, SGD
// 0.003 for 2000 to 10000 steps; value: accuracy on the last training batches. Reduced: narrower,
// fewer and larger steps.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/cli/reproduce/training/trainee.h"
#include "scalemix/run/progress.h"
#include "scalemix/signal/depth_scale.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr double kBias = 0.05;

struct Sizes {
  std::size_t width, batch, steps;
  double lr;
  std::vector<double> sigma_w2;
  std::vector<std::size_t> lengths;
};

Sizes sizes_of(const Effort& effort) {
  const Sizes quick{50, 50, 150, 0.05, {1.0, 1.76, 4.0}, {3, 12, 48}};
  const Sizes reduced{
      100, 100, 300, 0.05, {1.0, 1.4, 1.76, 2.0, 2.5, 3.0, 4.0}, {5, 10, 20, 30, 45, 70, 100}};
  Sizes full{400, 1000, 3000, 0.003, spaced(1, 4, 31), {}};
  for (std::size_t l = 10; l <= 250; l += 10) full.lengths.push_back(l);
  return effort.pick(quick, reduced, full);
}

signal::DepthScales scales_of(double sigma_w2, double drop) {
  signal::SimulatedLayer one = layer("tanh", drop > 0 ? dropout(1 - drop) : "", sigma_w2);
  one.sigma_b2 = kBias;
  return *signal::propagation(one.network()).scales;
}

/// Deepest length up to which all trained to at least half of the best, between grid points by
/// where the accuracy crosses it.
double boundary(const std::vector<std::size_t>& lengths, const std::vector<double>& learned) {
  const double half = *std::max_element(learned.begin(), learned.end()) / 2;
  for (std::size_t i = 0; i < learned.size(); ++i) {
    if (learned[i] >= half) continue;
    if (i == 0) return static_cast<double>(lengths[0]);
    const double share = (learned[i - 1] - half) / (learned[i - 1] - learned[i]);
    return std::exp(std::log(lengths[i - 1]) +
                    share * std::log(static_cast<double>(lengths[i]) / lengths[i - 1]));
  }
  return static_cast<double>(lengths.back());
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

/// How much better than guessing; 0 if it diverged.
double learned(const Trained& t, double chance) {
  return t.diverged ? 0 : std::max(0.0, chance - t.last_error());
}

/// Medians over sigma_w2 of the boundary over each rule in the released heat maps, of all panels
/// with this dropout; two digits.
struct Released {
  double drop;
  struct {
    double lo, hi;
  } twelve, six;
};
constexpr Released kReleased[] = {{0, {0.83, 1.19}, {1.06, 1.40}},
                                  {0.01, {0.94, 0.94}, {1.38, 1.38}},
                                  {0.02, {0.73, 0.77}, {1.15, 1.25}},
                                  {0.05, {0.64, 0.64}, {1.12, 1.12}}};

/// One seed at one dropout.
struct Boundary {
  std::vector<double> accuracy;  // (lengths, sigma_w2), less chance
  std::vector<double> length;    // (sigma_w2)
  double over_twelve, over_six, longest_at;
};

Boundary find(Trainee& trainee, const Sizes& sizes, double drop, std::uint64_t seed,
              const std::function<void()>& trained) {
  const std::size_t columns = sizes.sigma_w2.size();
  Boundary out{};
  out.accuracy.resize(columns * sizes.lengths.size());
  std::vector<double> twelve, six;
  for (std::size_t j = 0; j < columns; ++j) {
    std::vector<double> column;
    for (std::size_t i = 0; i < sizes.lengths.size(); ++i) {
      column.push_back(learned(
          trainee.run({.model = fmt::format("mlp:{}x{},tanh", sizes.width, sizes.lengths[i]),
                       .method = drop > 0 ? dropout(1 - drop) : "none",
                       .sigma_w2 = sizes.sigma_w2[j],
                       .sigma_b2 = kBias,
                       .optimiser = "sgd:momentum=0",
                       .lr = sizes.lr,
                       .batch = sizes.batch,
                       .steps = sizes.steps,
                       .seed = seed}),
          trainee.chance()));
      out.accuracy[i * columns + j] = column.back();
      trained();
    }
    out.length.push_back(boundary(sizes.lengths, column));
    const signal::DepthScales xi = scales_of(sizes.sigma_w2[j], drop);
    const auto reach = static_cast<double>(sizes.lengths.back());
    const double rule = 12 * std::min(xi.gradient, xi.correlation), old = 6 * xi.correlation;
    if (rule < reach) twelve.push_back(out.length.back() / rule);
    if (old < reach) six.push_back(out.length.back() / old);
  }
  out.over_twelve = median(twelve);
  out.over_six = median(six);
  const auto best = std::max_element(out.length.begin(), out.length.end()) - out.length.begin();
  out.longest_at = sizes.sigma_w2[static_cast<std::size_t>(best)];
  return out;
}

std::vector<double> over_seeds(const std::vector<Boundary>& found, double Boundary::*number) {
  std::vector<double> out;
  for (const Boundary& b : found) out.push_back(b.*number);
  return out;
}

/// `released_images`: the images are those of the released maps.
void judge(double drop, const std::vector<Boundary>& found, bool released_images, Result& result) {
  const std::string what = fmt::format("p {:g}", drop);
  const auto& released = *std::find_if(std::begin(kReleased), std::end(kReleased),
                                       [&](const Released& r) { return r.drop == drop; });
  const std::vector<double> twelve = over_seeds(found, &Boundary::over_twelve),
                            six = over_seeds(found, &Boundary::over_six),
                            longest = over_seeds(found, &Boundary::longest_at);
  constexpr double kDigit = 0.005;
  const auto row = [&](const char* quantity, const std::vector<double>& ours, double lo,
                       double hi) {
    const Mean mean = mean_of(ours);
    result.rows.push_back(released_images ? published_range(what + quantity, mean, lo - kDigit,
                                                            hi + kDigit, "released heat maps")
                                          : Row{what + quantity, mean.value, mean.error});
  };
  row(": median length over 12 min(xi_1, xi_c)", twelve, released.twelve.lo, released.twelve.hi);
  row(": median length over 6 xi_c", six, released.six.lo, released.six.hi);
  const Interval at = interval_of(longest);
  result.claims.push_back(
      {what + ": the longest trained network lies between sigma_w2 = 1.4 and 2, as theory's line "
              "chi_1 = 1 does (1.76 (1 - p))",
       between(at, 1.4, 2.0), text_of(at)});
  result.claims.push_back({what + ": lengths train up to 12 min(xi_1, xi_c) and not beyond (ratio "
                                  "below 1)",
                           below(interval_of(twelve), 1), text_of(interval_of(twelve))});
}

report::Panel panel_of(const Sizes& sizes, double drop, const std::vector<Boundary>& found) {
  const double seeds = static_cast<double>(found.size());
  report::HeatMap map{"1 - error - 0.1", sizes.sigma_w2};
  for (const std::size_t l : sizes.lengths) map.y.push_back(static_cast<double>(l));
  map.z.resize(map.x.size() * map.y.size());
  report::Series six{"6 xi_c", sizes.sigma_w2}, twelve{"12 min(xi_1, xi_c)", sizes.sigma_w2};
  report::Series mean{
      "found", sizes.sigma_w2, std::vector<double>(sizes.sigma_w2.size()), {}, report::Style::both};
  for (const Boundary& b : found) {
    for (std::size_t i = 0; i < map.z.size(); ++i) map.z[i] += b.accuracy[i] / seeds;
    for (std::size_t j = 0; j < mean.y.size(); ++j) mean.y[j] += b.length[j] / seeds;
  }
  for (const double sigma_w2 : sizes.sigma_w2) {
    const signal::DepthScales xi = scales_of(sigma_w2, drop);
    six.y.push_back(6 * xi.correlation);
    twelve.y.push_back(12 * std::min(xi.gradient, xi.correlation));
  }
  report::Panel panel{fmt::format("p = {:g}", drop),
                      {"sigma_w2"},
                      {"length", true, map.y.front() * 0.8, map.y.back() * 1.2},
                      {six, twelve, mean}};
  panel.heat = map;
  return panel;
}

}  // namespace

Result trainable_length(const Effort& effort) {
  const Sizes sizes = sizes_of(effort);
  const std::vector<double> drops =
      effort.pick<std::vector<double>>({0.02}, {0, 0.02}, {0, 0.01, 0.02, 0.05});
  Trainee trainee(effort.pick<std::size_t>(3000, 20000, 60000), 1000, effort.data);
  run::Progress progress("network",
                         drops.size() * sizes.sigma_w2.size() * sizes.lengths.size() * effort.seeds,
                         effort.quiet);
  Result result;
  double done = 0;
  for (const double drop : drops) {
    std::vector<Boundary> found;
    for (std::size_t k = 0; k < effort.seeds; ++k) {
      found.push_back(
          find(trainee, sizes, drop, effort.seed + k, [&] { progress.update(++done, ""); }));
    }
    judge(drop, found, effort.data.empty(), result);
    result.figure.panels.push_back(panel_of(sizes, drop, found));
  }
  progress.finish(done, "");
  result.figure.title = fmt::format("tanh, sigma_b2 = 0.05, on {}", trainee.data());
  result.notes = {
      fmt::format("{}; width {}, batch {}, SGD {:g}, {} steps, {} seeds; published: width 400, "
                  "batch 1000, SGD 0.003, 2000 to 10000 steps",
                  trainee.data(), sizes.width, sizes.batch, sizes.lr, sizes.steps, effort.seeds),
      "a length counts as trained while held-out accuracy less chance is at least half of the best "
      "at its sigma_w2"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
