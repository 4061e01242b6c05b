// Gal & Ghahramani (2016), Dropout as a Bayesian approximation: MC dropout on the UCI sets, 50 units
// (protein 100), dropout on the input too, Glorot's weights, the published precision and
// length-scale. The references are recomputed from the per-split logs that their experiments store.
//
//   original   400 epochs (protein 200), batch 32: the paper's table. The file of the experiments says
//              128, which came later; 32 is what the logs were made with
//   10x        ten times the epochs, batch 128
//   2 layers   fifty times, two hidden layers, batch 128
//   grid       as 10x, of 2018: for each split the last fifth of its training rows chooses dropout rate
//              and precision from a grid (train/tune.h); length-scale 0.01 for all sets
//
// tau is in the target's own units, while the weight decay that it gives was added to the error of
// standardised targets (train/length_scale.h).

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "scalemix/cli/reproduce/training/uci.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

struct Number {
  const char *value, *error;  // over splits: mean, standard error
};

enum Column : std::size_t { original, ten, layers2, grid };

struct Set {
  const char* name;
  double tau, p, length;
  std::array<Number, 4> rmse, log_likelihood;  // by column
};

// Experiments of yaringal/DropoutUncertaintyExps, their stored logs.
const Set kSets[] = {
    {"uci:yacht",
     .54187,
     .01,
     1e-1,
     {{{"1.1093", ".085"}, {"0.7243", ".056"}, {"0.6565", ".062"}, {"0.6663", ".049"}}},
     {{{"-1.5541", ".027"}, {"-1.3753", ".014"}, {"-1.3701", ".018"}, {"-1.2501", ".015"}}}},
    {"uci:boston",
     .15971,
     .05,
     1e-2,
     {{{"2.9735", ".190"}, {"2.7981", ".187"}, {"2.7963", ".134"}, {"2.9036", ".177"}}},
     {{{"-2.4600", ".055"}, {"-2.3893", ".045"}, {"-2.3443", ".024"}, {"-2.4019", ".042"}}}},
    {"uci:energy",
     .42711,
     .05,
     1e-2,
     {{{"1.6634", ".043"}, {"1.0865", ".046"}, {"0.4736", ".013"}, {"0.5389", ".0135"}}},
     {{{"-1.9853", ".020"}, {"-1.7174", ".016"}, {"-1.4786", ".003"}, {"-1.2115", ".005"}}}},
    {"uci:concrete",
     .055732,
     .01,
     1e-2,
     {{{"5.2299", ".118"}, {"4.8147", ".143"}, {"4.5037", ".179"}, {"4.8265", ".161"}}},
     {{{"-3.0389", ".020"}, {"-2.9403", ".023"}, {"-2.8246", ".024"}, {"-2.9367", ".025"}}}},
    {"uci:wine",
     2.95834,
     .05,
     1e-2,
     {{{"0.6202", ".009"}, {"0.6128", ".009"}, {"0.6030", ".010"}, {"0.6218", ".008"}}},
     {{{"-0.9334", ".014"}, {"-0.9211", ".014"}, {"-0.8984", ".014"}, {"-0.9281", ".013"}}}},
    {"uci:power",
     .087111,
     .005,
     1e-2,
     {{{"4.0221", ".041"}, {"3.9980", ".037"}, {"3.6288", ".040"}, {"4.0142", ".037"}}},
     {{{"-2.7952", ".010"}, {"-2.7866", ".009"}, {"-2.6746", ".007"}, {"-2.8078", ".009"}}}},
    {"uci:kin8nm",
     192.483,
     .05,
     1e-2,
     {{{"0.0965", ".0007"}, {"0.0946", ".0006"}, {"0.0800", ".0004"}, {"0.0789", ".0006"}}},
     {{{"0.9509", ".006"}, {"0.9726", ".005"}, {"1.1013", ".003"}, {"1.1364", ".007"}}}},
    {"uci:naval",
     42173.5,
     .05,
     1,
     {{{"0.0055", ".0001"}, {"0.0047", ".0000"}, {"0.0009", ".0000"}, {"0.00074", ".00005"}}},
     {{{"3.8046", ".011"}, {"3.9182", ".006"}, {"4.3155", ".001"}, {"4.4495", ".002"}}}},
    {"uci:protein",
     .064442,
     .005,
     1e-2,
     {{{"4.3555", ".0195"}, {"4.2745", ".023"}, {"3.6160", ".021"}, {"4.2742", ".021"}}},
     {{{"-2.8912", ".004"}, {"-2.8716", ".006"}, {"-2.7007", ".004"}, {"-2.8713", ".0015"}}}},
};

const char* const kColumns[] = {"original", "10x", "2 layers", "grid"};
constexpr int kMultiples[] = {1, 10, 50, 10};
const std::vector<double> kRates = {.005, .01, .05, .1};  // of the grid

run::TrainConfig config_of(const Set& set, Column column, const Effort& effort) {
  const bool protein = set.name == std::string("uci:protein");
  const char* units = protein ? "100" : "50";
  run::TrainConfig c;
  c.data = set.name;
  c.splits = "all";
  c.model = column == layers2 ? fmt::format("mlp:{0}-{0}", units) : fmt::format("mlp:{}", units);
  c.method = {fmt::format("bernoulli:p={0},input={0}", set.p)};
  c.init = "glorot";
  c.epochs = (protein ? 200 : 400) * kMultiples[column];
  c.batch = column == original ? 32 : 128;
  c.precision = fmt::format("{}", set.tau);
  c.length_scale = column == grid ? 1e-2 : set.length;
  c.samples = effort.pick(50, 1000, 10000);
  c.seed = effort.seed;
  c.seeds = static_cast<int>(effort.seeds);
  if (effort.size == Size::quick) {
    c.splits = "3";
    c.epochs = 40;
  }
  return c;
}

/// How far ours is from the logs' mean, in the logs' standard errors: ".0000" is less than 5e-5.
double standard_errors(const Mean& ours, const Number& logged) {
  return (ours.value - std::stod(logged.value)) / std::max(std::stod(logged.error), 5e-5);
}

Claim claim_of(const std::string& what, const Mean& ours, const Number& logged) {
  const double off = standard_errors(ours, logged);
  return {fmt::format("{}: within two standard errors of the logs' mean", what), std::abs(off) <= 2,
          fmt::format("{:.4g} against {}, {:+.1f} standard errors of {}", ours.value, logged.value,
                      off, logged.error)};
}

void add(const Set& set, Column column, const UciScores& scores, Result& result) {
  const std::string what = fmt::format("{}, {}", std::string(set.name).substr(4), kColumns[column]);
  const auto number = [&](const char* quantity, const std::vector<double>& values,
                          const Number& logged) {
    const Mean mean = mean_of(values);
    const std::string name = what + quantity;
    const double logs = std::stod(logged.value), error = std::max(std::stod(logged.error), 5e-5);
    // Ours are of the same splits: our own standard error over them allows nothing more.
    result.rows.push_back(published_range(
        name, {mean.value}, logs - 2 * error, logs + 2 * error,
        fmt::format("stored logs, twice their standard error; ours {:.2g}", mean.error)));
    result.claims.push_back(claim_of(name, mean, logged));
  };
  number(": RMSE", scores.rmse, set.rmse[column]);
  number(": log-likelihood", scores.log_likelihood, set.log_likelihood[column]);
}

}  // namespace

Result uci_mc_dropout(const Effort& effort) {
  const std::size_t sets = effort.pick<std::size_t>(3, 5, std::size(kSets));
  const std::vector<Column> columns =
      effort.size == Size::full ? std::vector{original, ten, grid, layers2} : std::vector{original};
  run::Progress progress("training", sets * columns.size(), effort.quiet);
  Result result;
  report::Panel panel{"log-likelihood: ours minus published, in standard errors",
                      {"RMSE, the same"},
                      {"log-likelihood, the same"}};
  std::string missing;
  double done = 0;
  for (const Column column : columns) {
    report::Series points{kColumns[column], {}, {}, {}, report::Style::points};
    for (std::size_t s = 0; s < sets; ++s) {
      const Set& set = kSets[s];
      if (!uci_is_here(set.name)) {
        missing += std::string(missing.empty() ? "" : ", ") + set.name;
        continue;
      }
      const run::TrainConfig config = config_of(set, column, effort);
      const double all = column == grid ? 2 * static_cast<double>(kRates.size()) : 1;
      const Epochs epochs = [&](double epoch) {
        progress.update(done + epoch / config.epochs / all, set.name);
      };
      const UciScores scores =
          column == grid ? uci_tuned_scores(config, kRates, epochs) : uci_scores(config, epochs);
      progress.update(++done, set.name);
      add(set, column, scores, result);
      points.x.push_back(standard_errors(mean_of(scores.rmse), set.rmse[column]));
      points.y.push_back(
          standard_errors(mean_of(scores.log_likelihood), set.log_likelihood[column]));
    }
    panel.series.push_back(points);
  }
  progress.finish(done, "");
  result.figure = {"MC dropout on UCI", {panel}};
  result.notes = {
      "RMSE of the mean over draws, log-likelihood of the mixture of draws with the published precision; a standard "
      "error is over the splits, which share rows",
      "the published table's +- are standard deviations over splits; the logs' numbers here have standard errors"};
  if (!missing.empty()) result.notes.push_back("not on this machine, so left out: " + missing);
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
