// Layers whose zeros are left out give the numbers of the plain loops, drawn ones too.

#include "tests/predict/fixtures.h"

namespace scalemix::predict {
namespace {

/// Most weights at zero, some rows wholly.
Model pruned(const std::string& word, const Problem& problem,
             const std::vector<std::string>& methods, double share) {
  Model m = filled_model(made(word, problem, methods));
  for (auto& [name, tensor] : m.tensors) {
    if (!name.ends_with(".weight") || tensor.shape.size() != 2) continue;
    std::vector<float> w = tensor.floats();
    const std::vector<float> keep = values(w.size(), 77, 0, 1);
    for (std::size_t i = 0; i < w.size(); ++i) {
      if (keep[i] >= share || i / tensor.shape[1] % 5 == 4) w[i] = 0;
    }
    tensor = Tensor::of(tensor.shape, w);
  }
  return m;
}

TEST(PrunedPredictor, IsTheNaiveNetwork) {
  const Problem problem{{60}, Task::classification, 7};
  for (const char* method :
       {"none", "bernoulli:p=0.3", "gaussian:alpha=0.2", "svdo", "dropconnect:p=0.2"}) {
    for (const double share : {0.02, 0.2, 0.6}) {
      const Model m = pruned("mlp:80-70", problem, {method}, share);
      for (const std::size_t rows : {1, 2, 40}) {
        const std::vector<float> x = values(rows * 60, 9, -2, 2);
        EXPECT_LT(distance(outputs_of(m, x, rows), naive_outputs(m, x, rows)), 1e-5)
            << method << ' ' << share << ' ' << rows;
        const PredictOptions drawn{.samples = 2, .seed = 7};
        EXPECT_LT(distance(outputs_of(m, x, rows, drawn), naive_outputs(m, x, rows, drawn)), 1e-5)
            << method << ' ' << share << ' ' << rows;
      }
    }
  }
}

/// Weights that are all but zero take the dense way: the numbers are the same, also under noise before
/// the bias.
TEST(PrunedPredictor, IsTheDenseNetwork) {
  for (const char* method : {"none", "sbp", "l0", "concrete"}) {
    const Model m = pruned("mlp:80-70", {{60}, Task::classification, 7}, {method}, 0.1);
    Model dense = m;
    for (auto& [name, tensor] : dense.tensors) {
      if (!name.ends_with(".weight")) continue;
      std::vector<float> w = tensor.floats();
      for (float& v : w) v = v == 0 ? 1e-30f : v;
      tensor = Tensor::of(tensor.shape, w);
    }
    const std::vector<float> x = values(9 * 60, 9, -2, 2);
    for (const std::size_t samples : {0, 2}) {
      const PredictOptions options{.samples = samples, .seed = 7};
      const std::vector<float> want = outputs_of(dense, x, 9, options);
      EXPECT_LT(distance(outputs_of(m, x, 9, options), {want.begin(), want.end()}), 1e-5) << method;
    }
  }
}

/// Rows do not know their neighbours, and a network of zeros alone has a size.
TEST(PrunedPredictor, ARowIsTheSameInAnyBatchToRounding) {
  const Problem problem{{60}, Task::classification, 7};
  const Model m = pruned("mlp:80-70", problem, {"none"}, 0.1);
  const std::vector<float> x = values(50 * 60, 9, -2, 2), all = outputs_of(m, x, 50);
  for (std::size_t n = 0; n < 50; ++n) {
    const std::vector<float> row(x.begin() + long(n * 60), x.begin() + long((n + 1) * 60)),
        one = outputs_of(m, row, 1);
    for (std::size_t c = 0; c < 7; ++c) EXPECT_NEAR(one[c], all[n * 7 + c], 1e-5);
  }
  const Model none = pruned("mlp:80-70", problem, {"none"}, 0);
  EXPECT_LT(distance(outputs_of(none, x, 50), naive_outputs(none, x, 50)), 1e-5);
}

}  // namespace
}  // namespace scalemix::predict
