// Xie et al. (2022), Advanced dropout: better than nine other techniques on the same networks. Which nine, and
// by how much, is not at hand; the nine here are those of their list that are known. What the noise has
// learned is shown; the effectiveness ratio is ours: the share of plain training's error that a method
// takes away.

#include <fmt/format.h>

#include "scalemix/cli/reproduce/training/contest.h"
#include "scalemix/metric/paired.h"
#include "scalemix/model/noise_tensors.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

/// Mean over models and layers of a reading of their noise.
Mean reading(const std::vector<model::Model>& models, const std::string& name) {
  std::vector<double> out;
  for (const model::Model& m : models) {
    model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
      for (const model::Noise& noise : layer.noise) {
        const model::NoiseTensors tensors(m, layer, noise);
        if (!tensors.kind().readings) continue;
        for (const model::NoiseReading& r : tensors.kind().readings(tensors.at())) {
          if (r.name == name) out.push_back(r.value);
        }
      }
    });
  }
  return mean_of(out);
}

}  // namespace

Result advanced_nine(const Effort& effort) {
  run::TrainConfig base =
      contest_base(effort, effort.pick<const char*>("mlp:20", "mlp:200-200", "mlp:800-800"),
                   effort.pick(2, 25, 60));
  const std::vector<Contestant> contestants{contestant("none", "none", base),
                                            contestant("advanced", "advanced", base),
                                            contestant("Bernoulli", "bernoulli:p=0.5", base),
                                            contestant("Gaussian", "gaussian:alpha=1", base),
                                            contestant("uniform", "uniform:half_width=1", base),
                                            contestant("variational", "vdo_a", base),
                                            contestant("concrete", "concrete:p=0.3", base),
                                            contestant("VBD", "vbd:p=0.3", base),
                                            contestant("continuous", "continuous", base),
                                            contestant("beta", "beta:a=0.5,b=0.5", base),
                                            contestant("soft, half-Gaussian", "soft", base)};
  const data::Dataset data =
      contest_data("mnist", effort.pick<std::size_t>(200, 2000, 60000), 10000);
  Result result;
  const std::vector<Scores> scores = hold_all(contestants, data, "mnist", effort, result, true);
  std::vector<double> p;
  for (std::size_t i = 2; i < scores.size() && base.seeds > 1; ++i) {
    p.push_back(metric::paired_t(scores[1].error, scores[i].error).p);
  }
  const std::vector<double> corrected = metric::holm(p);
  const double plain = mean_of(scores[0].error).value;
  for (std::size_t i = 1; i < scores.size(); ++i) {
    result.rows.push_back(
        {fmt::format("mnist, {}: effectiveness ratio (ours)", contestants[i].label),
         1 - mean_of(scores[i].error).value / plain});
    std::vector<double> gap;
    for (std::size_t k = 0; k < scores[i].error.size(); ++k) {
      gap.push_back(scores[i].error[k] - scores[i].train_error[k]);
    }
    const Mean mean = mean_of(gap);
    result.rows.push_back(
        {fmt::format("mnist, {}: test error less training error", contestants[i].label), mean.value,
         mean.error});
    if (i < 2) continue;
    Claim claim = smaller_claim(fmt::format("advanced errs less than {}", contestants[i].label),
                                scores[1].error, scores[i].error);
    if (i - 2 < corrected.size() && corrected[i - 2] >= 0.05) claim.holds = std::nullopt;
    if (i - 2 < corrected.size()) claim.because += fmt::format("; Holm {:.2g}", corrected[i - 2]);
    result.claims.push_back(claim);
  }
  const Mean rate = reading(scores[1].models, "rate");
  result.rows.push_back({"mnist, advanced: learned drop rate, from 0.5", rate.value, rate.error});
  result.figure.title = "advanced dropout and nine others";
  result.notes = {fmt::format("{}, {} rows, Adam 0.001, {} epochs, deterministic predictions",
                              base.model, data.splits[0].train.size(), base.epochs),
                  "the paper's nine and its tables are not at hand"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
