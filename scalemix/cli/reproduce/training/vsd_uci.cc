// Nguyen et al. (2021), Structured dropout variational inference (VSD), on UCI sets: one layer of 50 ReLU units, 20
// splits. An aggregator's page gives log-likelihoods of -1.06 (energy), -2.97 (concrete) and -1.14 (yacht)
// for it; its conventions are mixed and the paper's table is not at hand, so they stand in the notes.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/cli/reproduce/training/uci.h"

namespace scalemix::inline v0::cli::reproduce {

Result vsd_uci(const Effort& effort) {
  run::TrainConfig base;
  base.model = "mlp:50";
  base.splits = effort.pick<const char*>("2", "all", "all");
  base.epochs = effort.pick(3, 1000, 4000);
  base.seed = effort.seed;
  base.samples = effort.pick(5, 100, 1000);
  base.penalty = 1;
  Result result;
  for (const char* name : {"uci:yacht", "uci:energy", "uci:concrete"}) {
    if (!uci_is_here(name)) {
      result.notes.push_back(fmt::format("{} is not on this machine", name));
      continue;
    }
    const std::vector<Contestant> contestants{
        contestant("MC dropout", "bernoulli:p=0.05", base), contestant("VBD", "vbd:p=0.05", base),
        contestant("VSD", "vsd:p=0.05", base),
        contestant("VSD, only the centred part turned", "vsd:p=0.05,variant=b", base)};
    const data::Dataset data = data::open(name);
    const std::vector<Scores> scores = hold_all(contestants, data, name, effort, result);
    std::vector<double> vsd, vbd, mc;
    for (const double v : scores[2].log_likelihood) vsd.push_back(-v);
    for (const double v : scores[1].log_likelihood) vbd.push_back(-v);
    for (const double v : scores[0].log_likelihood) mc.push_back(-v);
    result.claims.push_back(
        smaller_claim(fmt::format("{}: VSD is likelier than MC dropout", name), vsd, mc));
    result.claims.push_back(
        smaller_claim(fmt::format("{}: VSD is likelier than VBD", name), vsd, vbd));
    if (effort.size == Size::quick) break;
  }
  result.figure.title = "structured variational dropout";
  result.notes.push_back(
      fmt::format("mlp:50, {} epochs, learned precision, {} draws; seeds are splits", base.epochs,
                  base.samples));
  result.notes.push_back(
      "an aggregator's log-likelihoods for VSD: energy -1.06, concrete -2.97, yacht -1.14");
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
