// Wan et al. (2013), Regularization of neural networks using DropConnect: a mask on every weight, for every
// row, beats dropout; inference by the moments of pre-activations. MNIST 0.21 % is published for ensembles of
// convolutional networks with augmentation, which this is not.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"

namespace scalemix::inline v0::cli::reproduce {

Result drop_connect(const Effort& effort) {
  run::TrainConfig base =
      contest_base(effort, effort.pick<const char*>("mlp:16", "mlp:100-100", "mlp:800-800"),
                   effort.pick(2, 20, 60), effort.pick(3, 20, 100));
  const std::vector<Contestant> contestants{
      contestant("none", "none", base), contestant("dropout", "bernoulli:p=0.5", base),
      contestant("DropConnect, a mask per step", "dropconnect:p=0.5", base),
      contestant("DropConnect, a mask per row", "dropconnect:p=0.5,mask=row", base),
      contestant("DropConnect, a mask per row, moments at test",
                 "dropconnect:p=0.5,mask=row,inference=moments", base)};
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(200, 2000, 60000), 10000);
  Result result;
  const std::vector<Scores> scores = hold_all(contestants, data, "mnist", effort, result);
  result.claims = {
      smaller_claim("DropConnect per row errs less than dropout", scores[4].error, scores[1].error),
      smaller_claim("a mask per row errs less than one per step", scores[3].error, scores[2].error),
      smaller_claim("moments at test err less than drawn masks", scores[4].error, scores[3].error)};
  result.figure.title = "DropConnect";
  result.notes = {fmt::format("{}, {} rows, {} epochs, {} draws at test", base.model,
                              data.splits[0].train.size(), base.epochs, base.samples)};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
