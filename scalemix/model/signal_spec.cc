// The report on a spec, from the rows of its walk.

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/model/signal_verdict.h"
#include "scalemix/model/signal_walk.h"

namespace scalemix::inline v0::model {
namespace {

using signal::Network;

constexpr double kForever = std::numeric_limits<double>::infinity();

bool alike(const Network& a, const Network& b) {
  const auto close = [](double x, double y) { return std::abs(x - y) <= 1e-9 * std::abs(x + y); };
  return a.activation.spec() == b.activation.spec() && close(a.sigma_w2, b.sigma_w2) &&
         close(a.noise.mu2, b.noise.mu2) && a.noise.s2 == b.noise.s2;
}

/// The network of every row from hidden layer to hidden layer, if they are alike.
std::optional<Network> common(const std::vector<SignalRow>& rows) {
  std::optional<Network> out;
  for (const SignalRow& row : rows) {
    if (row.inside || row.normalised || !row.net) return std::nullopt;
    if (row.first || (row.last && rows.size() > 2)) continue;
    if (out && !alike(*out, *row.net)) return std::nullopt;
    out = row.net;
  }
  return out;
}

/// The fixed points of each distinct network, taken once.
class Fixed {
 public:
  const signal::Propagation& of(const Network& net) {
    for (const auto& [known, fixed] : seen_) {
      if (alike(known, net)) return fixed;
    }
    return seen_.emplace_back(net, signal::propagation(net)).second;
  }

 private:
  std::vector<std::pair<Network, signal::Propagation>> seen_;
};

void add_load(const SignalRow& row, Fixed& fixed, SignalLoad& load) {
  const bool block = !row.net.has_value();
  load.residual |= block;
  load.normalised |= row.normalised;
  const auto drop = [&](const std::string& why) {
    load.gradient.reset();
    if (load.why.empty()) load.why = why;
  };
  if (block || row.normalised) {
    load.correlation.reset();
    if (!row.layer.gradient)
      return drop(fmt::format("gradients through {} are not known", row.layer.name));
    if (load.gradient) *load.gradient += std::log(*row.layer.gradient);
    return;
  }
  const signal::Propagation& p = fixed.of(*row.net);
  if (!p.scales || !row.layer.q || std::isinf(*row.layer.q)) {
    load.correlation.reset();
    const std::string why = !p.q.exists() ? p.q.reason : p.c.reason;
    return drop(why.empty() ? "variances are not known up to the end" : why);
  }
  if (load.correlation) *load.correlation += 1 / p.scales->correlation;
  if (load.gradient && !row.last) *load.gradient += std::log(p.slopes->gradient);
}

/// The word of the noise that all counted rows have; empty if they differ.
std::string common_law(const std::vector<SignalRow>& rows) {
  std::string law;
  for (const SignalRow& row : rows) {
    if (row.first || !row.net) continue;
    if (!law.empty() && law != row.layer.noise) return "";
    law = row.layer.noise;
  }
  return law;
}

signal::RangeDepth range_of(const std::vector<SignalRow>& rows, const std::optional<Network>& net) {
  using End = signal::RangeDepth::End;
  const signal::Range range;
  double layer = 0;
  for (const SignalRow& row : rows) {
    if (row.inside || row.first) continue;
    if (!row.layer.q) return {End::stays, kForever, "variances are not known up to the end"};
    const double q = *row.layer.q;
    if (q > range.largest) return {End::overflows, layer, "the variance of " + row.layer.name};
    if (q < range.smallest) return {End::underflows, layer, "the variance of " + row.layer.name};
    ++layer;
  }
  if (net && !rows.empty() && *rows[0].layer.q > 0)
    return signal::range_depth(*net, *rows[0].layer.q);
  return {End::stays, kForever, "the variance is in range"};
}

}  // namespace

SignalReport signal_report(const Spec& spec, const InitialPlan& plan, const SignalStart& start) {
  const std::vector<SignalRow> rows = signal_rows(spec, plan, start);
  SignalReport r;
  SignalLoad load{.correlation = 0, .gradient = 0, .law = common_law(rows)};
  Fixed fixed;
  for (const SignalRow& row : rows) {
    r.layers.push_back(row.layer);
    if (row.inside || row.first) continue;
    ++r.depth;
    add_load(row, fixed, load);
  }
  r.listed = rows.size();
  r.network = common(rows);
  r.range = range_of(rows, r.network);
  if (r.network) {
    r.fixed = fixed.of(*r.network);
    r.critical = signal::critical_initialisation(*r.network);
  }
  judge(load, r);
  return r;
}

std::vector<std::string> signal_warnings(const Spec& spec, const InitialPlan& plan) {
  const SignalReport report = signal_report(spec, plan);
  if (report.reach != Reach::beyond) return {};
  return report.verdict;
}

SignalSimulation simulation_of(const Spec& spec, const InitialPlan& plan,
                               const SignalStart& start) {
  signal::SimulateOptions options;
  options.q0 = start.q0;
  options.c0 = start.c0;
  options.inputs = elements(spec.input);
  std::string activation = "linear";
  std::optional<law::AnyLaw> law;
  bool add = false;
  std::size_t number = 0;
  for (const Layer& layer : spec.layers) {
    const auto refuse = [&](const std::string& why) {
      return SignalSimulation{{}, fmt::format("{}: {}", label(layer), why)};
    };
    const LayerKind& kind = layer_kind(layer.type);
    const Noise* noise = drawn_noise(layer);
    if (kind.family == Family::shape) continue;
    if (const std::string word = activation_word(layer); !word.empty()) {
      if (law || activation != "linear") return refuse("after noise or another activation");
      activation = word;
    } else if (kind.family == Family::noise && layer.at == Site::unit && !law &&
               noise_signal(*noise, layer).law) {
      const NoiseSignal s = noise_signal(*noise, layer);
      law = s.law;
      add = s.add;
    } else if (kind.family == Family::weighted && !kind.windows && !noise) {
      const InitialWeights& w = plan.layers.at(number++);
      if (w.form != InitialForm::gaussian)
        return refuse("only independent normal weights are simulated");
      options.layers.push_back({.activation = signal::Activation::parse(activation),
                                .law = law,
                                .additive = add,
                                .sigma_w2 = w.variance * static_cast<double>(layer.in),
                                .width = layer.out});
      activation = "linear";
      law.reset();
    } else {
      return refuse("only linear layers, activations and one unit noise each are simulated");
    }
  }
  return {options, ""};
}

}  // namespace scalemix::inline v0::model
