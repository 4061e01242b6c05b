// From the options of `scalemix signal` to a stack of layers alike.

#include <fmt/format.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/cli/signal_options.h"

namespace scalemix::inline v0::cli {
namespace {

signal::NoiseMoments moments_of(const std::optional<law::AnyLaw>& law, bool additive) {
  if (!law) return {};
  return additive ? signal::additive(*law) : signal::multiplicative(*law);
}

/// A variance, given as one or as its root.
std::optional<double> variance(const char* name, const std::optional<double>& squared,
                               const std::optional<double>& root) {
  const std::optional<double>& given = root ? root : squared;
  if (given && !(*given >= 0 && std::isfinite(*given))) {
    throw std::domain_error(fmt::format("signal: --{}{} must be finite and not negative, got {:g}",
                                        name, root ? "" : "2", *given));
  }
  if (root) return *root * *root;
  return squared;
}

/// sigma_w2 where none was given: the critical one, or the nearest thing to it.
double chosen_sigma_w2(const signal::Network& net, std::string& how) {
  const signal::Critical critical = signal::critical_initialisation(net);
  if (critical.sigma_w2) {
    how = fmt::format("sigma_w2 = {:.6g} is the critical one", *critical.sigma_w2);
    return *critical.sigma_w2;
  }
  signal::Network quiet = net;
  quiet.branch.reset();
  if (!net.noise.finite() || net.noise.additive) quiet.noise = {};
  const signal::Critical without = signal::critical_initialisation(quiet);
  const std::optional<double> value = without.sigma_w2 ? without.sigma_w2 : without.unstable;
  if (!value) {
    throw ConfigError(fmt::format(
        "signal: there is no critical initialisation to take sigma_w2 from ({}); give --sigma-w2",
        critical.reason));
  }
  how = fmt::format("no critical initialisation exists: {}; sigma_w2 = {:.6g} is that of {}",
                    critical.reason, *value,
                    net.branch         ? "the same layers without skip connections"
                    : without.sigma_w2 ? "the same network without noise"
                                       : "slope 1");
  return *value;
}

}  // namespace

SignalChoice signal_choice(const SignalOptions& o) {
  SignalChoice choice{
      .stack = {.network = {signal::Activation::parse(o.activation)}}, .law = {}, .how = {}};
  if (!o.noise.empty() && o.noise != "none") choice.law = law::AnyLaw::parse(o.noise);
  if (choice.law && !o.additive && choice.law->mean() == 0) {
    throw ConfigError(fmt::format(
        "signal: a multiplier of mean zero carries no signal; --additive adds {} instead",
        choice.law->spec()));
  }
  signal::Network& net = choice.stack.network;
  net.noise = moments_of(choice.law, o.additive);
  net.sigma_b2 = variance("sigma-b", o.sigma_b2, o.sigma_b).value_or(0);
  net.branch = o.residual;
  const std::optional<double> given = variance("sigma-w", o.sigma_w2, o.sigma_w);
  net.sigma_w2 = given ? *given : chosen_sigma_w2(net, choice.how);
  if (choice.law) choice.stack.law = (o.additive ? "additive:" : "") + choice.law->spec();
  choice.stack.depth = o.depth.value_or(0);
  choice.stack.q0 = o.q0;
  choice.stack.c0 = o.c0;
  return choice;
}

}  // namespace scalemix::inline v0::cli
