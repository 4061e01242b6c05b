#include "scalemix/signal/simulate.h"

#include <cmath>
#include <limits>
#include <utility>

#include "scalemix/base/check.h"
#include "scalemix/base/parallel.h"
#include "scalemix/signal/simulated_net.h"

namespace scalemix::inline v0::signal {
namespace {

void check_options(const SimulateOptions& o) {
  check(o.inputs > 0 && o.pairs > 0 && o.nets > 0, "simulate",
        "inputs, pairs and nets must be at least 1");
  check(o.nets <= std::numeric_limits<std::uint32_t>::max(), "simulate", "too many nets");
  check(o.rows.empty() || o.rows.size() == 2 * o.pairs * o.inputs, "simulate",
        "rows must hold 2 pairs of `inputs` numbers");
  Pair::at(o.q0, o.q0, o.c0);
  std::size_t below = o.inputs;
  for (const SimulatedLayer& layer : o.layers) {
    layer.network().check();
    check(layer.width > 0, "simulate", "a layer's width must be at least 1");
    check(!layer.branch || layer.width == below, "simulate",
          "a layer with a branch must keep the width");
    below = layer.width;
  }
}

std::vector<NetRecord> run_all(const SimulateOptions& options) {
  std::vector<NetRecord> records(options.nets);
  const auto run = [&](std::size_t net) {
    records[net] = run_net(options, static_cast<std::uint32_t>(net));
  };
  if (options.nets > 1) {
    parallel_tiles(options.nets, run);
  } else {  // alone too: a product's bits may depend on how many threads share it
    const SerialScope serial;
    run(0);
  }
  return records;
}

/// The estimate of one number a net.
template <class Of>
Estimate estimate(const std::vector<NetRecord>& records, Of&& of) {
  const auto n = static_cast<double>(records.size());
  Estimate e;
  for (const NetRecord& record : records) e.mean += of(record) / n;
  if (records.size() < 2 || !std::isfinite(e.mean)) return e;
  double squares = 0;
  for (const NetRecord& record : records) squares += std::pow(of(record) - e.mean, 2);
  e.sd = std::sqrt(squares / (n - 1));
  e.error = e.sd / std::sqrt(n);
  return e;
}

/// sum cov / sqrt(sum q1 sum q2), its error from the ratio's linear part.
std::optional<Estimate> correlation(const std::vector<NetRecord>& records, std::size_t layer,
                                    const SimulatedForward& forward) {
  const double root = std::sqrt(forward.q1.mean) * std::sqrt(forward.q2.mean);
  if (forward.overflowed > 0 || !(root > 0)) return {};
  const auto of = [&](auto&& number) {
    return estimate(records, [&](const NetRecord& r) { return number(r.layers[layer]); });
  };
  const double c = of([](const auto& l) { return l.covariance; }).mean / root;
  Estimate e = of([&](const auto& l) {
    return l.covariance / root - c / 2 * (l.q1 / forward.q1.mean + l.q2 / forward.q2.mean);
  });
  e.mean = c;
  return e;
}

/// Over the rows that have a logarithm. The sd is of one row over nets: rows of a net share its
/// weights and say less about it.
std::optional<Estimate> log_estimate(const std::vector<NetRecord>& records, std::size_t layer,
                                     std::size_t rows) {
  double sum = 0, within = 0, freedom = 0, means = 0, squared_means = 0;
  std::size_t count = 0, nets = 0;
  for (const NetRecord& record : records) {
    double net_sum = 0;
    std::size_t net_count = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      const double value = record.log_q[layer * rows + r];
      if (!std::isfinite(value)) continue;
      net_sum += value;
      ++net_count;
    }
    if (net_count == 0) continue;
    sum += net_sum;
    count += net_count;
    ++nets;
    const double mean = net_sum / static_cast<double>(net_count);
    means += mean;
    squared_means += mean * mean;
  }
  if (count == 0) return {};
  Estimate e{.mean = sum / static_cast<double>(count)};
  for (std::size_t r = 0; r < rows; ++r) {
    double column = 0, squares = 0, n = 0;
    for (const NetRecord& record : records) {
      const double value = record.log_q[layer * rows + r] - e.mean;
      if (!std::isfinite(value)) continue;
      column += value;
      squares += value * value;
      ++n;
    }
    if (n > 1) within += squares - column * column / n;
    if (n > 1) freedom += n - 1;
  }
  if (freedom > 0) e.sd = std::sqrt(std::max(within / freedom, 0.0));
  const auto n = static_cast<double>(nets);
  if (nets > 1)
    e.error = std::sqrt(std::max(squared_means / n - std::pow(means / n, 2), 0.0) / (n - 1));
  return e;
}

SimulatedForward forward_of(const std::vector<NetRecord>& records, std::size_t layer,
                            std::size_t rows) {
  const auto of = [&](auto member) {
    return estimate(records, [&](const NetRecord& r) { return r.layers[layer].*member; });
  };
  SimulatedForward f;
  f.q1 = of(&NetRecord::Forward::q1);
  f.q2 = of(&NetRecord::Forward::q2);
  for (const NetRecord& record : records) {
    f.overflowed += record.layers[layer].overflowed;
    f.underflowed += record.layers[layer].underflowed;
  }
  f.c = correlation(records, layer, f);
  f.log_q = log_estimate(records, layer, rows);
  return f;
}

}  // namespace

Network SimulatedLayer::network() const {
  const NoiseMoments noise = !law       ? NoiseMoments{}
                             : additive ? signal::additive(*law)
                                        : multiplicative(*law);
  return {activation, noise, sigma_w2, sigma_b2, branch};
}

Simulated simulate(const SimulateOptions& options) {
  check_options(options);
  const std::vector<NetRecord> records = run_all(options);
  Simulated result;
  for (std::size_t layer = 0; layer <= options.layers.size(); ++layer) {
    result.layers.push_back(forward_of(records, layer, 2 * options.pairs));
  }
  for (std::size_t layer = 0; layer < records[0].gradients.size(); ++layer) {
    const auto of = [&](auto member) {
      return estimate(records, [&](const NetRecord& r) { return r.gradients[layer].*member; });
    };
    result.gradients.push_back({.same = of(&NetRecord::Gradient::same),
                                .cross = of(&NetRecord::Gradient::cross),
                                .absolute = of(&NetRecord::Gradient::absolute)});
  }
  return result;
}

std::vector<SimulatedLayer> stack(const SimulatedLayer& layer, std::size_t depth) {
  return std::vector<SimulatedLayer>(depth, layer);
}

Trajectory expected(const SimulateOptions& options) {
  Trajectory path{.layers = {Pair::at(options.q0, options.q0, options.c0)}, .ended = {}};
  for (const SimulatedLayer& layer : options.layers) {
    const Trajectory step = trajectory(layer.network(), path.layers.back(), 1);
    if (!step.ended.empty()) {
      path.ended = "after " + std::to_string(path.layers.size() - 1) + " layers: " + step.ended;
      break;
    }
    path.layers.push_back(step.layers.back());
  }
  return path;
}

}  // namespace scalemix::inline v0::signal
