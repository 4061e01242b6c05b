// Ginsburg et al. (2019), NovoGrad: no warm-up, robust to the choice of the learning rate and of initial
// weights, good with large batches, half of Adam's memory. Here on images: the error at learning rates around each
// rule's own, in small and large batches, from several starts.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/optim/rule.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {

Result novograd(const Effort& effort) {
  run::TrainConfig base;
  base.model = effort.pick<const char*>("mlp:20", "mlp:200-200", "mlp:300-300-300");
  base.method = {"none"};
  base.schedule = "cosine";
  base.seed = effort.seed;
  base.seeds = contest_seeds(effort);
  base.samples = 0;
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(200, 2000, 60000), 10000);
  const std::vector<std::string> rules{"novograd", "sgd", "adam", "adamw"};
  const std::vector<double> factors =
      effort.pick<std::vector<double>>({1}, {0.1, 1, 10}, {0.1, 0.3, 1, 3, 10});
  struct Setting {
    const char* name;
    int batch;
    const char* init;
  };
  const std::vector<Setting> settings =
      effort.size == Size::quick ? std::vector<Setting>{{"batch 50", 50, "he"}}
                                 : std::vector<Setting>{{"batch 50", 50, "he"},
                                                        {"batch 1000", 1000, "he"},
                                                        {"small start", 50, "normal:0.005"}};
  Result result;
  result.seeds = static_cast<std::size_t>(base.seeds);
  run::Progress progress("training", settings.size() * rules.size() * factors.size(), effort.quiet);
  double done = 0;
  for (const Setting& s : settings) {
    std::vector<std::vector<double>> worst;  // over rates, of each seed
    report::Panel panel{s.name, {"factor on the rule's own rate", true}, {"test error"}};
    for (const std::string& rule : rules) {
      std::vector<double> most;
      report::Series series{rule, {}, {}, {}, report::Style::both};
      for (const double factor : factors) {
        run::TrainConfig c = base;
        c.optimiser = rule;
        c.lr = optim::rule(rule).lr * factor;
        c.batch = s.batch;
        c.init = s.init;
        c.clip = 5;
        c.epochs = effort.pick(1, s.batch > 100 ? 60 : 12, 20);
        std::vector<double> error;
        try {
          error = hold(c, data).error;
        } catch (const Diverged&) {
          error.assign(static_cast<std::size_t>(c.seeds), 1.0);
        }
        most.resize(error.size());
        for (std::size_t k = 0; k < error.size(); ++k) most[k] = std::max(most[k], error[k]);
        const Mean mean = mean_of(error);
        series.x.push_back(factor);
        series.y.push_back(mean.value);
        result.rows.push_back(
            {fmt::format("{}, {} at {:g} times its rate: test error", s.name, rule, factor),
             mean.value, mean.error});
        progress.update(++done, rule);
      }
      worst.push_back(most);
      panel.series.push_back(series);
    }
    for (std::size_t i = 1; i < rules.size(); ++i) {
      result.claims.push_back(smaller_claim(
          fmt::format("{}: NovoGrad's error at its worst rate is below {}'s", s.name, rules[i]),
          worst[0], worst[i]));
    }
    result.figure.panels.push_back(panel);
  }
  progress.finish(done, "");
  for (const std::string& rule : rules) {
    result.rows.push_back({fmt::format("{}: numbers kept for each weight", rule),
                           static_cast<double>(optim::rule(rule).arrays.size())});
  }
  result.figure.title = "learning rates, batches and starts";
  result.notes = {fmt::format("{}, {} rows, cosine schedule; a training that diverges has error 1",
                              base.model, data.splits[0].train.size())};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
