#include "scalemix/model/signal_verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::model {
namespace {

using signal::Network;

std::string layers_text(double layers) {
  if (std::isinf(layers)) return "inf";
  return layers < 1000 ? fmt::format("{:.1f}", layers) : fmt::format("{:.3g}", layers);
}

std::vector<SignalRule> rules_of(const SignalLoad& load, std::size_t layers) {
  const auto depth = static_cast<double>(layers);
  std::vector<SignalRule> rules;
  const auto add = [&](std::string name, std::string_view validity, double allowed) {
    rules.push_back({std::move(name), std::string(validity), allowed, depth <= allowed});
  };
  const double gradient = load.gradient ? depth / std::abs(*load.gradient) : 0;
  if (load.correlation) {
    const auto known =
        signal::trainable_depths({.gradient = gradient, .correlation = depth / *load.correlation});
    add(std::string(known[0].rule), known[0].validity, known[0].layers);
    if (load.gradient) add(std::string(known[1].rule), known[1].validity, known[1].layers);
  } else if (load.gradient) {
    add("12 xi_1",
        "After Huang et al. (2020), who studied dense tanh networks: gradients must neither "
        "vanish nor explode. Correlations are not judged: those of residual blocks drift, and "
        "batch normalisation removes what inputs have in common.",
        12 * gradient);
  }
  return rules;
}

Reach reach_of(const SignalReport& r) {
  if (static_cast<double>(r.depth) > r.range.layers) return Reach::beyond;
  if (r.rules.empty()) return r.depth == 0 ? Reach::within : Reach::unsaid;
  const auto met =
      std::count_if(r.rules.begin(), r.rules.end(), [](auto& rule) { return rule.met; });
  if (met == static_cast<std::ptrdiff_t>(r.rules.size())) return Reach::within;
  return met > 0 ? Reach::beyond_one : Reach::beyond;
}

std::string weaker_noise(const std::string& law, const signal::NoiseBudget& budget) {
  if (law.starts_with("bernoulli")) return fmt::format("lower p to {:.2g}", budget.drop());
  if (law.starts_with("gaussian")) return fmt::format("lower alpha to {:.2g}", *budget.alpha);
  return fmt::format("weaken the noise to a variance of {:.2g} of its squared mean", *budget.alpha);
}

/// What would let a stack of `net` be as deep as it is.
std::string advice(const SignalReport& r, const SignalLoad& load) {
  const std::string skip = "add skip connections";
  if (!r.network || load.normalised) return "use fewer layers, weaker noise or skip connections";
  const Network& net = *r.network;
  const auto depth = static_cast<double>(r.depth);
  if (!r.critical.sigma_w2) return skip + " (" + r.critical.reason + ")";
  Network at = net;
  at.sigma_w2 = *r.critical.sigma_w2;
  const signal::Propagation best = signal::propagation(at);
  const bool critical_reaches = best.scales && 6 * best.scales->correlation >= depth;
  const std::string start = fmt::format("critical initialisation, sigma_w2 = {:.4g}", at.sigma_w2);
  if (critical_reaches) return "start from " + start;
  const bool is_critical = std::abs(net.sigma_w2 / at.sigma_w2 - 1) < 1e-6;
  const signal::NoiseBudget budget = signal::noise_budget(net.activation, net.sigma_b2, depth);
  if (!budget.alpha) return skip + " (" + budget.reason + ")";
  if (*budget.alpha >= net.noise.alpha()) return "start from " + start + ", or " + skip;
  return weaker_noise(load.law, budget) + (is_critical ? "" : " with critical initialisation") +
         " or " + skip;
}

/// "6 xi_c = 13.6 and 12 min(xi_1, xi_c) = 27.3", of the rules that are met or not.
std::string listing(const std::vector<SignalRule>& rules, bool met) {
  std::string out;
  for (const SignalRule& rule : rules) {
    if (rule.met != met) continue;
    out += (out.empty() ? "" : " and ") + rule.name + " = " + layers_text(rule.layers);
  }
  return out;
}

std::string depth_sentence(const SignalReport& r, const SignalLoad& load) {
  const std::string what =
      fmt::format("your {} {}{}", r.depth, load.residual ? "layers and blocks" : "layer",
                  load.residual || r.depth == 1 ? "" : "s");
  const bool one = r.depth == 1 && !load.residual;
  const std::string exceeded = listing(r.rules, false), kept = listing(r.rules, true);
  if (exceeded.empty()) return what + (one ? " is within " : " are within ") + kept;
  std::string out = what + (one ? " exceeds " : " exceed ") + exceeded;
  if (!kept.empty()) out += ", though not " + kept;
  return out + ": " + advice(r, load);
}

std::string range_sentence(const signal::RangeDepth& range) {
  const bool over = range.end == signal::RangeDepth::End::overflows;
  return fmt::format("the variance {} float32 after {:.0f} layers ({})",
                     over ? "overflows" : "underflows", std::floor(range.layers), range.reason);
}

std::string growth_sentence(double log_growth, const SignalReport& r) {
  return fmt::format(
      "squared gradients grow by a factor of {:.4g} in the backward pass{}", std::exp(log_growth),
      r.network && r.network->branch ? "; the branch scale sets it, no sigma_w2 makes it 1" : "");
}

}  // namespace

std::string_view name(Reach reach) {
  switch (reach) {
    case Reach::within:
      return "within";
    case Reach::beyond_one:
      return "beyond_one";
    case Reach::beyond:
      return "beyond";
    case Reach::unsaid:
      return "unsaid";
  }
  return "unsaid";
}

void judge(const SignalLoad& load, SignalReport& r) {
  if (r.depth > 0) r.rules = rules_of(load, r.depth);
  r.reach = reach_of(r);
  if (r.depth == 0) {
    r.verdict.push_back("there is no layer between hidden layers: every signal gets through");
    return;
  }
  if (static_cast<double>(r.depth) > r.range.layers) r.verdict.push_back(range_sentence(r.range));
  if (!r.rules.empty()) r.verdict.push_back(depth_sentence(r, load));
  if (load.gradient && (load.residual || load.normalised)) {
    r.verdict.push_back(growth_sentence(*load.gradient, r));
  }
  if (r.rules.empty()) r.verdict.push_back("no depth rule applies: " + load.why);
  if (r.network && !r.network->branch && !r.critical.sigma_w2) {
    r.verdict.push_back("no critical initialisation exists: " + r.critical.reason);
  }
}

}  // namespace scalemix::inline v0::model
