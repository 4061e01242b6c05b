// The rules of diagnose.h: one row each.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scalemix/study/diagnose.h"

namespace scalemix::inline v0::study {
namespace {

using Findings = std::vector<Finding>;

constexpr double kFalling = 0.02;         // of the whole fall, over the last tenth of the epochs
constexpr std::size_t kLeastEpochs = 10;  // before a trend is judged
constexpr double kUndecided = 0.25;       // share of weights near the threshold
constexpr double kMuchWorse = 0.1;        // nats per row
constexpr double kSure = 9;               // log precision: noise below 1.1 % of the target's spread
constexpr double kMismatch = 1.5;         // between learned noise and error
constexpr double kDead = 0.9;             // share of units without a nonzero weight

void say(const Rule& rule, std::string where, std::string what, Findings& out) {
  out.push_back({std::string(rule.name), std::move(where), std::move(what)});
}

double mean(const std::vector<double>& v, std::size_t first, std::size_t count) {
  const auto begin = v.begin() + static_cast<std::ptrdiff_t>(first);
  return std::accumulate(begin, begin + static_cast<std::ptrdiff_t>(count), 0.0) /
         static_cast<double>(count);
}

// ------------------------------------------------------------------------------ what they need

std::string_view nothing(const Facts&) { return ""; }

std::string_view log(const Facts& f) { return f.history.nll.empty() ? "no log of a run" : ""; }

std::string_view two_epochs(const Facts& f) {
  return f.history.nll.size() == 1 ? "one epoch only" : log(f);
}

std::string_view a_trend(const Facts& f) {
  const std::string_view lack = log(f);
  return lack.empty() && f.history.nll.size() < kLeastEpochs ? "fewer than 10 epochs" : lack;
}

std::string_view validation(const Facts& f) {
  const std::string_view lack = log(f);
  return lack.empty() && f.history.validation_nll.empty() ? "no validation rows" : lack;
}

std::string_view depth(const Facts& f) { return f.depth_unsaid; }

std::string_view posterior(const Facts& f) {
  const bool found = std::any_of(f.layers.begin(), f.layers.end(),
                                 [](const LayerFacts& l) { return l.posterior; });
  return found ? "" : "no layer under a posterior";
}

std::string_view penalty_weight(const Facts& f) {
  const std::string_view lack = posterior(f);
  return lack.empty() && f.history.penalty_weight.empty() ? "no log of a run" : lack;
}

std::string_view precision(const Facts& f) { return f.log_precision ? "" : "not a regression"; }

std::string_view held_out_error(const Facts& f) {
  const std::string_view lack = precision(f);
  return lack.empty() && !f.rmse ? "no error on test rows; --data measures one" : lack;
}

// ------------------------------------------------------------------------------ what they say

void not_finite(const Facts& f, const Rule& rule, Findings& out) {
  for (const std::string& name : f.not_finite) {
    say(rule, name, "holds NaN or infinity: training diverged; lower --lr or set --clip", out);
  }
}

void not_learning(const Facts& f, const Rule& rule, Findings& out) {
  const auto& nll = f.history.nll;
  if (nll.back() < nll.front()) return;
  say(rule, "",
      fmt::format(
          "the likelihood part of the loss did not fall: {:.4g} nats per row in the first epoch, "
          "{:.4g} in the last; lower --lr, or less noise",
          nll.front(), nll.back()),
      out);
}

void still_falling(const Facts& f, const Rule& rule, Findings& out) {
  const auto& nll = f.history.nll;
  const std::size_t n = nll.size(), part = n / 10;
  if (nll.back() >= nll.front()) return;
  const double fall = mean(nll, n - 2 * part, part) - mean(nll, n - part, part);
  const double whole = nll.front() - nll.back();
  if (fall <= kFalling * whole) return;
  say(rule, "",
      fmt::format(
          "the loss was still falling at the end ({:.1f} % of its whole decrease came in the last "
          "tenth of the epochs); more --epochs",
          100 * fall / whole),
      out);
}

void worse_on_validation(const Facts& f, const Rule& rule, Findings& out) {
  const auto &train = f.history.nll, &held = f.history.validation_nll;
  const double gap = held.back() - train.back();
  if (gap <= std::max(kMuchWorse, std::abs(train.back()) / 2)) return;
  say(rule, "",
      fmt::format("validation is much worse than training ({:.4g} against {:.4g} nats per row): "
                  "it overfits; more noise, a smaller network, or --patience",
                  held.back(), train.back()),
      out);
}

void penalty_weight_low(const Facts& f, const Rule& rule, Findings& out) {
  const auto& weight = f.history.penalty_weight;
  if (weight.back() >= 1) return;
  say(rule, "",
      fmt::format(
          "the penalty's weight ended at {:.3g}, not 1: what was minimised is not the bound; more "
          "--epochs or a shorter --warmup",
          weight.back()),
      out);
}

void nothing_pruned(const Facts& f, const Rule& rule, Findings& out) {
  std::size_t weights = 0, nonzero = 0;
  for (const LayerFacts& l : f.layers) {
    if (!l.posterior) continue;
    weights += l.weights;
    nonzero += l.nonzero;
  }
  if (nonzero < weights) return;
  say(rule, "",
      "no weight reached the threshold of log alpha: nothing is pruned; more --epochs, or the "
      "penalty is weak compared with the likelihood of many rows",
      out);
}

void layer_all_pruned(const Facts& f, const Rule& rule, Findings& out) {
  for (const LayerFacts& l : f.layers) {
    if (l.nonzero > 0 || l.weights == 0) continue;
    say(rule, l.name,
        "every weight is zero, so nothing passes and the prediction is constant; a longer "
        "--warmup, a "
        "later --warmup-start, or a lower --lr",
        out);
  }
}

void undecided(const Facts& f, const Rule& rule, Findings& out) {
  for (const LayerFacts& l : f.layers) {
    if (!l.posterior || l.undecided <= kUndecided) continue;
    say(rule, l.name,
        fmt::format(
            "{:.0f} % of the weights have log alpha within 1 of the threshold {:g}: they are "
            "neither kept nor pruned for sure; more --epochs",
            100 * l.undecided, l.threshold),
        out);
  }
}

void dead_units(const Facts& f, const Rule& rule, Findings& out) {
  for (const LayerFacts& l : f.layers) {
    const double share = static_cast<double>(l.dead_outputs) /
                         static_cast<double>(std::max<std::size_t>(l.outputs, 1));
    if (l.nonzero == 0 || share <= kDead) continue;
    say(rule, l.name,
        fmt::format("{} of {} units have no weight left: the layer is far too wide, a smaller one "
                    "would do",
                    l.dead_outputs, l.outputs),
        out);
  }
}

void precision_extreme(const Facts& f, const Rule& rule, Findings& out) {
  if (*f.log_precision > kSure) {
    say(rule, "output.log_precision",
        fmt::format("the learned noise ({:.3g}) is below 1.1 % of the target's spread: "
                    "the network has memorised its rows, or an input contains the target",
                    *f.noise_sd),
        out);
  } else if (*f.log_precision <= 0) {
    say(rule, "output.log_precision",
        fmt::format("the learned noise ({:.3g}) is as large as the target's own spread: "
                    "the inputs explain nothing yet",
                    *f.noise_sd),
        out);
  }
}

void noise_mismatch(const Facts& f, const Rule& rule, Findings& out) {
  if (*f.rmse <= 0) return;
  const double ratio = *f.noise_sd / *f.rmse;
  if (ratio > kMismatch) {
    say(rule, "output.log_precision",
        fmt::format("the learned noise ({:.3g}) is far above the error ({:.3g}), so "
                    "intervals are too wide: it has not converged; more --epochs or a higher --lr",
                    *f.noise_sd, *f.rmse),
        out);
  } else if (ratio < 1 / kMismatch) {
    say(rule, "output.log_precision",
        fmt::format("the learned noise ({:.3g}) is far below the error ({:.3g}) on new "
                    "rows, so the network is overconfident: it overfits; more noise or --patience",
                    *f.noise_sd, *f.rmse),
        out);
  }
}

void constant_columns(const Facts& f, const Rule& rule, Findings& out) {
  for (const std::string& column : f.constant) {
    say(rule, column,
        "has scale 1 after standardisation, as a column that was constant in training has; leave "
        "it "
        "out with --ignore if it is",
        out);
  }
}

void heavy_noise(const Facts& f, const Rule& rule, Findings& out) {
  for (const std::string& law : f.heavy) {
    say(rule, law,
        "has no finite mean or variance: averages over draws settle slowly or never; many "
        "--samples, or "
        "another law",
        out);
  }
}

void too_deep(const Facts& f, const Rule& rule, Findings& out) {
  if (f.too_deep.empty()) return;
  say(rule, "", "even from critical initialisation " + f.too_deep, out);
}

}  // namespace

const std::vector<Rule>& rules() {
  static const std::vector<Rule> table = {
      {"not_finite", "a tensor holds NaN or infinity", nothing, not_finite},
      {"not_learning", "the last epoch's loss is no lower than the first's", two_epochs,
       not_learning},
      {"still_falling", "more than 2 % of the whole decrease came in the last tenth", a_trend,
       still_falling},
      {"worse_on_validation", "validation is worse than training by 0.1 nats per row and by half",
       validation, worse_on_validation},
      {"penalty_weight_low", "the warm-up of the penalty did not end", penalty_weight,
       penalty_weight_low},
      {"nothing_pruned", "a posterior, but no weight at the threshold", posterior, nothing_pruned},
      {"layer_all_pruned", "a layer without a nonzero weight", nothing, layer_all_pruned},
      {"undecided", "a quarter of a layer's weights within 1 of the threshold", posterior,
       undecided},
      {"dead_units", "more than nine in ten units of a layer without a weight", nothing,
       dead_units},
      {"precision_extreme", "learned noise below 1.1 % of the target's spread, or as wide as it",
       precision, precision_extreme},
      {"noise_mismatch", "learned noise 1.5 times above or below the error on held-out rows",
       held_out_error, noise_mismatch},
      {"constant_columns", "a column with scale 1", nothing, constant_columns},
      {"heavy_noise", "a noise law without mean or variance", nothing, heavy_noise},
      {"too_deep", "deeper than the noise lets a signal reach, even from critical initialisation",
       depth, too_deep},
  };
  return table;
}

std::vector<Finding> findings(const Facts& facts) {
  std::vector<Finding> out;
  for (const Rule& rule : rules()) {
    if (rule.lacks(facts).empty()) rule.look(facts, rule, out);
  }
  return out;
}

std::vector<Unjudged> unjudged(const Facts& facts) {
  std::vector<Unjudged> out;
  for (const Rule& rule : rules()) {
    if (const std::string_view why = rule.lacks(facts); !why.empty()) {
      out.push_back({rule.name, why});
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::study
