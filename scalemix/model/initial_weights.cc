#include "scalemix/model/initial_weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/base/word.h"
#include "scalemix/model/noise.h"
#include "scalemix/signal/architecture.h"
#include "scalemix/signal/critical.h"
#include "scalemix/signal/fractional.h"

namespace scalemix::inline v0::model {
namespace {

constexpr std::size_t kDeep = 4;  // layers with weights, from which a table's network is deep

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr Parameter kGain{"G", 1, 0, kInf, true, true, "factor of the critical variance"};
constexpr Parameter kSd{"SD", 1, 0, kInf, true, true, "standard deviation of every weight"};
constexpr Parameter kHalf{"H", 1, 0, kInf, true, true, "half the length of the interval"};
constexpr Parameter kMoment{"S", 1, 0, 2, true, false, "order of the moment that is kept"};

[[noreturn]] void impossible(const std::string& word, const WeightSite& site,
                             const std::string& why) {
  throw ConfigError(fmt::format("init {} cannot start {}: {}", word, site.layer->name, why));
}

/// The activation a layer's scale is for: in front, or behind where the input itself is in front.
signal::Activation activation_of(const WeightSite& site) {
  const std::string& word = !site.activation.empty() ? site.activation : site.next;
  return signal::Activation::parse(word.empty() ? "linear" : word);
}

/// sigma_w^2 = fan_in E w^2, or empty with the reason.
signal::Critical critical(const WeightSite& site) {
  if (!site.noise.finite()) {
    return {.reason = "its noise has no second moment (mu2 is infinite)"};
  }
  // Behind the last layer nothing has to be kept alive: outputs as large as what reaches it.
  if (site.last && !site.noise.additive) return {.sigma_w2 = 1 / site.noise.mu2};
  return signal::critical_initialisation(
      {.activation = activation_of(site), .noise = site.noise, .sigma_b2 = 0});
}

/// sigma_w^2 of the site, times the square of the branch scale where a residual branch ends.
double in_branch(const WeightSite& site, std::size_t blocks, double sigma_w2) {
  if (!site.branch_end) return sigma_w2;
  const double a =
      signal::branch_scale(
          {.activation = activation_of(site), .noise = site.noise, .sigma_w2 = sigma_w2},
          static_cast<double>(blocks), std::numbers::e)
          .value();
  return a * a * sigma_w2;
}

/// Variance of the means of the weights, the posterior's own variance taken off.
double of_means(const std::string& word, const WeightSite& site, double variance) {
  const double spread = weight_spread(*site.layer);
  if (spread == 0) return variance;
  const double left = variance - spread;
  if (left > 0) return left;
  impossible(word, site,
             fmt::format("its posterior starts with a larger variance, e^{:g}, than its weights "
                         "may have, {:.3g}",
                         std::log(spread), variance));
}

double critical_variance(const std::string& word, const WeightSite& site, std::size_t blocks,
                         double gain = 1) {
  const signal::Critical c = critical(site);
  if (!c.sigma_w2) impossible(word, site, c.reason);
  return of_means(word, site, gain * in_branch(site, blocks, *c.sigma_w2) / site.fan_in);
}

double fractional_variance(const Word& word, const WeightSite& site, std::size_t blocks) {
  const double s = read_value("init fractional", kMoment, word.rest);
  const auto fan_in = static_cast<std::size_t>(site.fan_in);
  const auto phi = activation_of(site);
  const std::optional<double> p = signal::dropout_rate(site.noise);
  std::optional<double> v = p ? signal::fractional_variance(phi, *p, fan_in, s) : std::nullopt;
  if (!v) v = signal::fractional_variance_expansion(phi, site.noise, fan_in, s);
  if (!v) {
    impossible("fractional", site,
               "only relu, leaky_relu and linear with multiplicative noise of finite fourth "
               "moment have fractional moments that can be kept");
  }
  return of_means("fractional", site, in_branch(site, blocks, *v * site.fan_in) / site.fan_in);
}

InitialWeights mirrored(const std::string& word, const WeightSite& site, bool orthogonal) {
  const bool relu = site.activation == "relu" || (site.first && site.activation.empty());
  if (!relu || (!site.last && site.next != "relu")) {
    impossible(word, site, "only a plain network of ReLUs can look linear");
  }
  InitialWeights out{.layer = site.layer->name,
                     .form = orthogonal ? InitialForm::mirrored_orthogonal : InitialForm::mirrored,
                     .mirror_in = !site.first,
                     .mirror_out = !site.last};
  if ((out.mirror_in && site.layer->in % 2) || (out.mirror_out && site.layer->out % 2)) {
    impossible(word, site, "its halves need even widths");
  }
  const double inputs = out.mirror_in ? site.fan_in / 2 : site.fan_in;
  out.variance = of_means(word, site, 1 / (inputs * site.noise.mu2));
  return out;
}

bool all_critical(const std::vector<WeightSite>& sites) {
  return std::all_of(sites.begin(), sites.end(), [](const WeightSite& site) {
    const signal::Critical c = critical(site);
    return c.sigma_w2 && *c.sigma_w2 / site.fan_in > weight_spread(*site.layer);
  });
}

std::string chosen(const std::string& word, const Spec& spec,
                   const std::vector<WeightSite>& sites) {
  if (word != "auto") return word;
  const bool images = spec.input.size() == 3;
  if ((images || sites.size() >= kDeep) && all_critical(sites)) return "critical";
  return images ? "he" : "xavier";
}

InitialWeights weights_of(const std::string& text, const WeightSite& site, std::size_t blocks) {
  const Word word = split_word(text);
  const auto gaussian = [&](double variance) {
    return InitialWeights{.layer = site.layer->name, .variance = variance};
  };
  if (text == "he") return gaussian(2 / site.fan_in);
  if (text == "xavier") return gaussian(2 / (site.fan_in + site.fan_out));
  if (text == "glorot") {
    InitialWeights out = gaussian(2 / (site.fan_in + site.fan_out));
    out.form = InitialForm::uniform;
    return out;
  }
  if (text == "critical") return gaussian(critical_variance(text, site, blocks));
  if (word.name == "critical" && text != "critical") {
    return gaussian(
        critical_variance(text, site, blocks, read_value("init critical", kGain, word.rest)));
  }
  if (text == "orthogonal") {
    InitialWeights out = gaussian(critical_variance(text, site, blocks));
    out.form = InitialForm::orthogonal;
    return out;
  }
  if (text == "looks_linear" || text == "looks_linear:orthogonal") {
    return mirrored(text, site, text != "looks_linear");
  }
  if (word.name == "normal") {
    const double sd = read_value("init normal", kSd, word.rest);
    return gaussian(sd * sd);
  }
  if (word.name == "uniform") {
    const double half = read_value("init uniform", kHalf, word.rest);
    InitialWeights out = gaussian(half * half / 3);
    out.form = InitialForm::uniform;
    return out;
  }
  if (word.name == "fractional") return gaussian(fractional_variance(word, site, blocks));
  const std::vector<std::string> known = {"auto",   "critical",   "he",         "xavier",
                                          "glorot", "orthogonal", "fractional", "looks_linear",
                                          "normal", "uniform"};
  throw ConfigError(unknown("init", text, known));
}

}  // namespace

InitialPlan initial_weights(const Spec& spec, const std::string& word) {
  const std::vector<WeightSite> sites = weight_sites(spec);
  const std::size_t blocks = residual_blocks(spec);
  InitialPlan plan{.word = chosen(word, spec, sites), .layers = {}};
  if (plan.word.starts_with("looks_linear") && blocks > 0) {
    throw ConfigError("init looks_linear: only a plain network of ReLUs can look linear");
  }
  for (const WeightSite& site : sites) {
    plan.layers.push_back(weights_of(plan.word, site, blocks));
  }
  return plan;
}

}  // namespace scalemix::inline v0::model
