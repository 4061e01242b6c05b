// The report on a stack of layers alike.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/model/signal_verdict.h"

namespace scalemix::inline v0::model {
namespace {

using signal::Network;

constexpr std::size_t kAll = 40;      // layers up to which all are listed
constexpr double kSpread = 1.3;       // then each so many times further
constexpr std::size_t kWalk = 20000;  // layers that are followed where each costs a quadrature

/// The layers of `depth` to list: all, or the first ones and then ever fewer, and the last.
std::vector<std::size_t> listed_layers(std::size_t depth) {
  std::vector<std::size_t> out;
  for (std::size_t l = 0; l <= depth;) {
    out.push_back(l);
    l = depth <= kAll || l < 10
            ? l + 1
            : static_cast<std::size_t>(std::ceil(kSpread * static_cast<double>(l)));
  }
  if (out.back() != depth) out.push_back(depth);
  return out;
}

/// The layers' pairs; where a stack is deep only up to kWalk, unless they have settled there.
struct Path {
  signal::Trajectory followed;
  bool settled = false;

  std::optional<signal::Pair> at(std::size_t layer) const {
    const auto& layers = followed.layers;
    if (layer < layers.size()) return layers[layer];
    return settled ? std::optional(layers.back()) : std::nullopt;
  }
};

Path path_of(const SignalStack& stack) {
  const bool closed = stack.network.activation.negative_slope().has_value();
  const std::size_t depth = closed ? stack.depth : std::min(stack.depth, kWalk);
  const signal::Pair start = signal::Pair::at(stack.q0, stack.q0, stack.c0);
  Path path{signal::trajectory(stack.network, start, depth)};
  const auto& layers = path.followed.layers;
  if (layers.size() < 2) return path;
  const signal::Pair &last = layers.back(), &before = layers[layers.size() - 2];
  path.settled = last.q1 == before.q1 && last.one_minus_c == before.one_minus_c;
  return path;
}

std::optional<SignalLayer> layer_of(const SignalStack& stack, const Path& path,
                                    std::size_t number) {
  const auto after = path.at(number);
  if (!after) return std::nullopt;
  SignalLayer layer{.name = fmt::format("{}", number), .type = number == 0 ? "input" : "linear"};
  layer.q = after->q1;
  layer.c = after->c;
  if (number == 0) return layer;
  const Network& net = stack.network;
  const signal::Pair before = *path.at(number - 1);
  layer.activation = net.activation.spec();
  layer.noise = stack.law;
  layer.sigma_w2 = net.sigma_w2;
  layer.slopes = signal::slopes_at(net, before.q1, before.one_minus_c);
  layer.gradient = layer.slopes->gradient;
  return layer;
}

/// ln of what squared gradients grow by over residual blocks, or empty.
std::optional<double> residual_load(const SignalStack& stack, const Path& path) {
  const Network& net = stack.network;
  if (const auto a = net.activation.negative_slope()) {
    return static_cast<double>(stack.depth) * std::log(signal::chi_gradient(net, 1));
  }
  if (!path.at(stack.depth)) return std::nullopt;
  double sum = 0;
  for (std::size_t l = 0; l < stack.depth; ++l) {
    sum += std::log(signal::chi_gradient(net, path.at(l)->q1));
  }
  return sum;
}

SignalLoad load_of(const SignalStack& stack, const Path& path, const signal::Propagation& fixed) {
  SignalLoad load{.residual = stack.network.branch.has_value(), .law = stack.law};
  if (!stack.network.noise.finite()) {
    load.why = "the noise's second moment is infinite, and so is every variance after one layer";
  } else if (load.residual) {
    load.gradient = residual_load(stack, path);
    if (!load.gradient)
      load.why = "gradients of a residual network of this depth were not computed";
  } else if (fixed.scales) {
    const auto depth = static_cast<double>(stack.depth);
    load.correlation = depth / fixed.scales->correlation;
    load.gradient = depth / fixed.scales->gradient;
  } else {
    load.why = fixed.q.exists() ? fixed.c.reason : fixed.q.reason;
  }
  return load;
}

}  // namespace

SignalReport signal_report(const SignalStack& stack) {
  stack.network.check();
  check_positive("signal", "the start variance q0", stack.q0);
  SignalReport r;
  r.depth = stack.depth;
  r.listed = stack.depth + 1;
  r.network = stack.network;
  r.fixed = signal::propagation(stack.network, stack.q0);
  r.critical = signal::critical_initialisation(stack.network);
  r.range = signal::range_depth(stack.network, stack.q0);
  const Path path = path_of(stack);
  for (const std::size_t number : listed_layers(stack.depth)) {
    auto layer = layer_of(stack, path, number);
    if (!layer) break;
    r.layers.push_back(std::move(*layer));
  }
  if (!path.at(stack.depth)) {
    const std::string& ended = path.followed.ended;
    r.layers.back().notes.push_back(
        !ended.empty() ? ended
                       : fmt::format("layers beyond {} are not computed: q and c have not settled",
                                     path.followed.layers.size() - 1));
  }
  judge(load_of(stack, path, *r.fixed), r);
  return r;
}

}  // namespace scalemix::inline v0::model
