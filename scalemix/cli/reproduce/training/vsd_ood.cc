// Nguyen et al. (2021), VSD knows what it has not seen: networks trained on MNIST, told from Fashion-MNIST by their
// predictive entropy. The paper's tables are not at hand.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/data/rows.h"

namespace scalemix::inline v0::cli::reproduce {

Result vsd_ood(const Effort& effort) {
  run::TrainConfig base =
      contest_base(effort, effort.pick<const char*>("mlp:20", "mlp:200-200", "mlp:800-800"),
                   effort.pick(2, 25, 60), effort.pick(3, 20, 100));
  const std::size_t train = effort.pick<std::size_t>(200, 2000, 60000),
                    test = effort.pick<std::size_t>(100, 2000, 10000);
  const data::Dataset own = contest_data("mnist", train, test),
                      other = contest_data("fashion-mnist", train, test);
  const std::vector<Contestant> contestants{
      contestant("none", "none", base), contestant("MC dropout", "bernoulli:p=0.3", base),
      contestant("VBD", "vbd:p=0.3", base), contestant("VSD", "vsd:p=0.3", base)};
  Result result;
  const std::vector<Scores> scores = hold_all(contestants, own, "mnist", effort, result);
  const data::LabelledRows in = data::rows_of(own, own.splits[0].test),
                           out = data::rows_of(other, other.splits[0].test);
  std::vector<std::vector<double>> missed;  // 1 - AUROC: smaller is better
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const std::size_t draws = i == 0 ? 0 : static_cast<std::size_t>(base.samples);
    const std::vector<double> area = entropy_auroc(scores[i].models, in, out, draws);
    const Mean mean = mean_of(area);
    result.rows.push_back(
        {fmt::format("fashion-mnist, {}: AUROC of the entropy", contestants[i].label), mean.value,
         mean.error});
    missed.emplace_back();
    for (const double a : area) missed.back().push_back(1 - a);
  }
  result.claims = {
      smaller_claim("VSD tells the other set better than MC dropout (1 - AUROC)", missed[3],
                    missed[1]),
      smaller_claim("VSD tells it better than VBD", missed[3], missed[2]),
      smaller_claim("MC dropout tells it better than a plain network", missed[1], missed[0])};
  result.figure.title = "MNIST told from Fashion-MNIST";
  result.notes = {fmt::format("{}, {} rows of {}, {} epochs, {} draws", base.model, train, own.name,
                              base.epochs, base.samples)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
