#include "scalemix/compress/rule.h"

#include <cmath>
#include <limits>

#include "scalemix/base/known.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::compress {
namespace {

double magnitude(const RuleUse&, const Group& g) { return g.mean2 / g.count; }

/// The scale of type-II maximum likelihood that the group asks for.
double gsm(const RuleUse& use, const Group& g) {
  return use.hyper.scale2(g.count, g.second() / use.sigma2);
}

double snr(const RuleUse&, const Group& g) {
  if (g.variance == 0) return g.mean2 > 0 ? std::numeric_limits<double>::infinity() : 0;
  return g.mean2 / g.variance;
}

/// - log alpha: the same order, on the scale of a threshold.
double minus_log_alpha(const RuleUse& use, const Group& g) { return std::log(snr(use, g)); }

constexpr std::uint32_t kPruning = std::uint32_t{1}
                                   << 24;  // of the stream's sites, above all layers'

double random(const RuleUse& use, const Group& g) {
  return Stream{use.seed, stream_id(Purpose::shuffle, kPruning), 0}.uniform(g.number);
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {"magnitude", "mean squared weight", "Han et al. (2015)", false, magnitude},
      {"gsm", "the type-II scale of the posterior's second moment, mu^2 + s^2",
       "Nalisnick, Anandkumar & Smyth (2015)", true, gsm},
      {"snr", "squared signal to noise, mu^2 / s^2", "Graves (2011); Blundell et al. (2015)", true,
       snr},
      {"log_alpha", "-log of noise variance over squared mean",
       "Molchanov, Ashukha & Vetrov (2017)", true, minus_log_alpha, true},
      {"random", "a number drawn for each group", "", false, random}};
  return all;
}

const Rule& rule(std::string_view name) { return find_row("pruning rule", name, rules()); }

}  // namespace scalemix::inline v0::compress
