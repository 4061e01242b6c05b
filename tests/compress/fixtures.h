// What the tests of compress/ share: networks with weights at zero, and their numbers.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "scalemix/model/build.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"

namespace scalemix::compress {

using namespace model;

inline std::vector<float> outputs(const Model& m, std::size_t rows,
                                  const predict::PredictOptions& options = {}) {
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  std::vector<float> out;
  predict::predict_outputs(context, model::values(rows * predictor.width(), 3), rows, options, out);
  return out;
}

/// The same numbers, that are not all small.
inline void expect_same(const std::vector<float>& a, const std::vector<float>& b) {
  ASSERT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_NEAR(a[i], b[i], 1e-5 * (1 + std::abs(a[i]))) << i;
    largest = std::max(largest, std::abs(static_cast<double>(a[i])));
  }
  EXPECT_GT(largest, 0.05);
}

/// Puts numbers [first, first + count) of a tensor to zero.
inline void clear(Model& m, const std::string& name, std::size_t first, std::size_t count) {
  Tensor& t = m.tensors.at(name);
  std::vector<float> values = t.floats();
  std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(first), count, 0.0f);
  t = Tensor::of(t.shape, values);
}

/// What unit j of a layer takes; what the layer reads of its input's block j of `blocks`.
inline void clear_unit(Model& m, const std::string& layer, std::size_t j) {
  const Tensor& t = m.tensors.at(layer + ".weight");
  const std::size_t n = t.count() / t.shape[0];
  clear(m, layer + ".weight", j * n, n);
}
inline void clear_input(Model& m, const std::string& layer, std::size_t j, std::size_t blocks) {
  const Shape shape = m.tensors.at(layer + ".weight").shape;
  const std::size_t row = elements(shape) / shape[0], n = row / blocks;
  for (std::size_t o = 0; o < shape[0]; ++o) clear(m, layer + ".weight", o * row + j * n, n);
}

inline std::size_t zeros_of(const Model& m, const std::string& layer) {
  const std::vector<float> w = m.tensors.at(layer + ".weight").floats();
  return static_cast<std::size_t>(std::count(w.begin(), w.end(), 0.0f));
}

}  // namespace scalemix::compress
