// What the tests of the predictor share: specs written by hand, and outputs next to those of the
// naive network.
#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"
#include "tests/model/naive.h"

namespace scalemix::predict {

using namespace model;  // specs and models to predict with

/// A spec whose outputs are what its layers give.
inline Spec by_hand(const Shape& input, const char* layers) {
  nlohmann::json object{{"input", input},
                        {"task", "regression"},
                        {"outputs", 1},
                        {"layers", nlohmann::json::parse(layers)}};
  // The outputs follow from the last layer: tried until they fit.
  for (std::size_t outputs = 1; outputs < 1000; ++outputs) {
    object["outputs"] = outputs;
    try {
      return spec_from_json(object);
    } catch (const std::invalid_argument& error) {
      if (std::string(error.what()).find("the network gives (") == std::string::npos) throw;
    }
  }
  throw std::logic_error("by_hand: too many outputs");
}

/// Largest |a - b| over the largest |b|.
inline double distance(const std::vector<float>& a, const std::vector<double>& b) {
  EXPECT_EQ(a.size(), b.size());
  double miss = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    miss = std::max(miss, std::abs(a[i] - b[i]));
    norm = std::max(norm, std::abs(b[i]));
  }
  return norm > 0 ? miss / norm : miss;
}

inline std::vector<float> outputs_of(const Model& model, const std::vector<float>& x,
                                     std::size_t rows, const PredictOptions& options = {}) {
  const Predictor predictor(model);
  Context context(predictor);
  std::vector<float> out;
  predict_outputs(context, x, rows, options, out);
  return out;
}

inline std::vector<double> naive_outputs(const Model& model, const std::vector<float>& x,
                                         std::size_t rows, const PredictOptions& options = {}) {
  Naive naive(model);
  const std::size_t width = x.size() / rows;
  std::vector<double> out;
  for (std::size_t s = 0; s < std::max<std::size_t>(1, options.samples); ++s) {
    for (std::size_t r = 0; r < rows; ++r) {
      const Naive::Row row(x.begin() + r * width, x.begin() + (r + 1) * width);
      const Naive::Row y = naive(row, options.row0 + r, options.seed,
                                 options.samples ? static_cast<std::int64_t>(s) : -1);
      out.insert(out.end(), y.begin(), y.end());
    }
  }
  return out;
}

}  // namespace scalemix::predict
