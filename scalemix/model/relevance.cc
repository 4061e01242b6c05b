#include "scalemix/model/relevance.h"

#include <algorithm>
#include <numeric>

#include "scalemix/model/sparsity.h"

namespace scalemix::inline v0::model {

std::optional<std::vector<double>> input_relevance(const Model& model) {
  const auto first = std::find_if(
      model.spec.layers.begin(), model.spec.layers.end(),
      [](const Layer& layer) { return layer.type != "flatten" && layer.type != "noise"; });
  if (first == model.spec.layers.end() || first->type != "linear") return std::nullopt;
  const std::vector<float> w = deterministic_weights(model, *first);
  std::vector<double> share(first->in, 0);
  for (std::size_t i = 0; i < w.size(); ++i) {
    share[i % first->in] += static_cast<double>(w[i]) * w[i];
  }
  const double total = std::accumulate(share.begin(), share.end(), 0.0);
  for (double& s : share) s = total > 0 ? s / total : 0;
  return share;
}

}  // namespace scalemix::inline v0::model
