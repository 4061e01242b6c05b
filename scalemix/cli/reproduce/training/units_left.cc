// Units that methods switch off, beside the tables of Neklyudov et al. (2017; SBP), of Louizos, Ullrich &
// Welling (2017; Bayesian compression) and of Louizos, Welling & Kingma (2018; L0): what is left of
// 784-300-100 and, with --full, of 784-500-300 and LeNet-5, with the products of one row against those of
// the dense network. Networks are made plain and smaller by the library's own means; an input counts as left
// that a unit reads. Only the table of SBP was read at its source: the others are from memory, shown and
// compared with nothing. Its flops of LeNet-5, 10.49 and 2.19 times fewer, are not those of its units (10.78
// and 2.01 by our count), so they are compared with nothing.

#include <fmt/format.h>

#include <functional>
#include <memory>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/compress/left.h"
#include "scalemix/compress/plain.h"
#include "scalemix/compress/shrink.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

constexpr int kPublishedEpochs = 200;
constexpr const char *kSbp = "the table of SBP", *kSparseVd = "the table of SparseVD";

/// A row of a table: error in percent, sizes of what is left, flops of the dense network over those of it.
struct Known {
  const char* name;
  const char* error;
  std::vector<const char*> sizes;
  const char* fewer = "";  // empty: not given
  const char* table = "";  // that was read at its source; empty: from memory
};

/// A method on a network, and what is known of it.
struct Case {
  const char* method;
  bool pretrained = false;  // goes on from the dense network, at the same seed
  std::vector<Known> known = {};
};

struct Network {
  const char* model;
  std::vector<const char*> sizes;  // what the numbers are of: "inputs", "units of layer 1"
  Known dense;
  std::vector<Case> cases;  // the first is what others are compared with
};

const Network kLeNet300{
    "mlp:300-100",
    {"inputs", "units of layer 1", "units of layer 2"},
    {"original", "1.64", {}, "", kSparseVd},
    {{"svdo", false, {{"SparseVD, Louizos et al.", "1.8", {"512", "114", "72"}}}},
     {"sbp:place=input", true},
     {"gnj:threshold=-2.8/-3/-5",
      false,
      {{"BC-GNJ", "1.8", {"278", "98", "13"}}, {"BC-GHS", "1.8", {"311", "86", "14"}}}},
     {"l0:p=0.2/0.5/0.5,lambda=0.1",
      false,
      {{"L0, lambda 0.1 / N", "1.4", {"219", "214", "100"}},
       {"L0, separate lambda", "1.8", {"266", "88", "33"}}}},
     {"ard:hyper=log_uniform,off=0.01"}}};

const Network kLeNet500{
    "mlp:500-300",
    {"inputs", "units of layer 1", "units of layer 2"},
    {"original", "1.54", {}, "", kSbp},
    {{"svdo", false, {{"SparseVD", "1.57", {"537", "217", "130"}, "3.73", kSbp}}},
     {"sbp:place=input", true, {{"SBP", "1.55", {"245", "160", "55"}, "11.23", kSbp}}}}};

const Network kLeNet5{
    "lenet5",
    {"channels of layer 1", "channels of layer 2", "inputs of layer 3", "units of layer 3"},
    {"original", "0.80", {}, "", kSbp},
    {{"svdo", false, {{"SparseVD", "0.75", {"17", "32", "329", "75"}, "", kSbp}}},
     {"sbp:place=input", true, {{"SBP", "0.86", {"3", "18", "284", "283"}, "", kSbp}}},
     {"gnj:threshold=-3",
      false,
      {{"BC-GNJ", "1.0", {"8", "13", "88", "13"}}, {"BC-GHS", "1.0", {"5", "10", "76", "16"}}}},
     {"l0:p=0.5,lambda=0.1,decay=0.0005",
      false,
      {{"L0, lambda 0.1 / N", "0.9", {"20", "25", "45", "462"}},
       {"L0, separate lambda", "1.0", {"9", "18", "65", "25"}}}},
     {"ard:hyper=log_uniform,off=0.01"}}};

/// Of a method over seeds.
struct Found {
  std::vector<double> error, fewer,
      weights;  // percent; flops, dense over left; weights that are not 0
  std::vector<std::vector<double>> sizes;
};

void add(const Scores& scores, std::size_t sizes, double dense, Found& found) {
  found.sizes.resize(sizes);
  for (std::size_t k = 0; k < scores.models.size(); ++k) {
    const compress::Left left =
        compress::left_of(compress::shrink(compress::plain(scores.models[k])).model);
    for (std::size_t s = 0; s < sizes; ++s) {
      found.sizes[s].push_back(static_cast<double>(left.sizes.at(s)));
    }
    found.error.push_back(100 * scores.error[k]);
    found.fewer.push_back(dense / std::max(left.multiplications, 1.0));
    found.weights.push_back(static_cast<double>(left.weights));
  }
}

/// A quantity beside what the tables have: compared with the one that was read, others in words.
void add_row(std::string quantity, const std::vector<double>& ours, const std::vector<Known>& known,
             const std::function<const char*(const Known&)>& of, Result& result) {
  const Mean mean = mean_of(ours);
  for (const Known& k : known) {
    if (*of(k) == '\0') continue;
    if (*k.table != '\0') {
      const std::string from = fmt::format("{}, {}", k.name, k.table);
      return result.rows.push_back(published(std::move(quantity), mean, of(k), from));
    }
    quantity += fmt::format(" ({} {}, from memory)", k.name, of(k));
  }
  result.rows.push_back({std::move(quantity), mean.value, mean.error});
}

void add_rows(const Network& network, const std::string& name, const std::vector<Known>& known,
              const Found& found, Result& result) {
  add_row(
      name + ": test error, %", found.error, known, [](const Known& k) { return k.error; }, result);
  for (std::size_t s = 0; s < network.sizes.size(); ++s) {
    add_row(
        fmt::format("{}: {}", name, network.sizes[s]), found.sizes[s], known,
        [s](const Known& k) { return k.sizes[s]; }, result);
  }
  add_row(
      name + ": flops, dense over left", found.fewer, known, [](const Known& k) { return k.fewer; },
      result);
  const Mean weights = mean_of(found.weights);
  result.rows.push_back({name + ": weights left", weights.value, weights.error});
}

/// Flops of a row, dense over left, by error; with what the tables say of fully connected networks.
report::Panel panel_of(const Network& network, const std::vector<std::string>& names,
                       const std::vector<Found>& found) {
  report::Panel panel{network.model, {"flops, dense over left", true}, {"test error, %"}};
  for (std::size_t c = 0; c < found.size(); ++c) {
    const Mean fewer = mean_of(found[c].fewer), error = mean_of(found[c].error);
    panel.series.push_back(
        {names[c], {fewer.value}, {error.value}, {error.error}, report::Style::points});
  }
  for (const Case& c : network.cases) {
    for (const Known& k : c.known) {
      if (*k.fewer == '\0') continue;
      panel.series.push_back({fmt::format("{}, published", k.name),
                              {std::stod(k.fewer)},
                              {std::stod(k.error)},
                              {},
                              report::Style::points});
    }
  }
  return panel;
}

class Study {
 public:
  Study(const Effort& effort, std::size_t rows, std::size_t test_rows, int epochs)
      : effort_(effort), data_(used_rows(contest_data("mnist", rows, test_rows))), epochs_(epochs) {
    result_.seeds = static_cast<std::size_t>(contest_seeds(effort, 3));
  }

  void run(const Network& network) {
    names_.clear();
    found_.assign(1 + network.cases.size(), {});
    run::Progress progress("training", result_.seeds * found_.size(), effort_.quiet);
    names_.push_back("dense");
    for (const Case& c : network.cases) names_.emplace_back(c.method);
    for (std::size_t k = 0; k < result_.seeds; ++k) {
      run::TrainConfig config = contest_base(effort_, network.model, epochs_);
      config.lr = rate();
      config.seed += k;
      config.seeds = 1;
      config.method = {"none"};
      const auto train = [&](std::size_t place, const run::TrainConfig& one) {
        const auto done = static_cast<double>(k * found_.size() + place);
        return hold(one, data_, [&](double share) {
          progress.update(done + share, fmt::format("{} on {}", names_[place], network.model));
        });
      };
      const Scores dense = train(0, config);
      const double work = compress::left_of(dense.models.front()).multiplications;
      add(dense, network.sizes.size(), work, found_[0]);
      for (std::size_t c = 0; c < network.cases.size(); ++c) {
        const run::TrainConfig one = config_of(network.cases[c], config, dense.models.front());
        add(train(c + 1, one), network.sizes.size(), work, found_[c + 1]);
      }
    }
    progress.finish(static_cast<double>(result_.seeds * found_.size()), "");
    report(network);
  }

  Result take() {
    result_.figure.title = "what is left of networks whose units are switched off";
    result_.notes.insert(
        result_.notes.begin(),
        {fmt::format("{} rows of {}, {} epochs of each training (the papers': about {}), {} seeds, "
                     "Adam {:g}; sbp goes on from the dense network{}",
                     data_.splits[0].train.size(), data_.name, epochs_, kPublishedEpochs,
                     result_.seeds, rate(), short_schedule() ? ", from wider noise (init=-2)" : ""),
         "paired t tests over seeds, Holm's correction over the claims of each network",
         "'from memory': shown, compared with nothing. The thresholds of gnj are those of its "
         "released example, its clip of the first layer's variances is not here; an input counts as "
         "left that a unit reads"});
    return std::move(result_);
  }

 private:
  bool short_schedule() const { return epochs_ < kPublishedEpochs; }
  /// A short schedule takes larger steps: gates and variances have far to go.
  double rate() const { return short_schedule() ? 0.002 : 0.001; }

  run::TrainConfig config_of(const Case& c, run::TrainConfig config,
                             const model::Model& dense) const {
    config.method = {c.method};
    if (!c.pretrained) return config;
    config.from = std::make_shared<const model::Model>(dense);
    config.optimiser = "adam:beta1=0.95";
    config.schedule = "linear";
    config.batch = 128;
    // Noise that starts at its published width takes more steps to switch a unit off.
    if (short_schedule()) config.method.front() += ",init=-2";
    return config;
  }

  void report(const Network& network) {
    const std::string when = short_schedule() ? fmt::format(", {} epochs", epochs_) : "";
    const std::string prefix = fmt::format("{}, ", network.model);
    add_row(
        prefix + "dense" + when + ": test error, %", found_[0].error, {network.dense},
        [](const Known& k) { return k.error; }, result_);
    std::vector<Compared> all;
    for (std::size_t c = 0; c < network.cases.size(); ++c) {
      const std::string name = prefix + names_[c + 1] + when;
      const Found& found = found_[c + 1];
      add_rows(network, name, network.cases[c].known, found, result_);
      all.push_back({fmt::format("{}dense{}: errs less than {}", prefix, when, names_[c + 1]),
                     found_[0].error, found.error});
      if (c == 0) continue;
      std::vector<double> work, of_first;
      for (const double f : found.fewer) work.push_back(1 / f);
      for (const double f : found_[1].fewer) of_first.push_back(1 / f);
      all.push_back(
          {fmt::format("{}: has a smaller share of the dense flops left than {}", name, names_[1]),
           work, of_first});
    }
    for (Claim& claim : smaller_claims(all)) result_.claims.push_back(std::move(claim));
    result_.figure.panels.push_back(panel_of(network, names_, found_));
  }

  const Effort& effort_;
  data::Dataset data_;
  int epochs_;
  Result result_;
  std::vector<std::string> names_;  // of the dense network and the cases
  std::vector<Found> found_;
};

}  // namespace

Result units_left(const Effort& effort) {
  Study study(effort, effort.pick<std::size_t>(300, 60000, 60000),
              effort.pick<std::size_t>(300, 10000, 10000), effort.pick(2, 10, kPublishedEpochs));
  study.run(kLeNet300);
  if (effort.size != Size::reduced) study.run(kLeNet500);
  if (effort.size == Size::full) study.run(kLeNet5);
  return study.take();
}

}  // namespace scalemix::inline v0::cli::reproduce
