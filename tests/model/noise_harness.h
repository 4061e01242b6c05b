// A kind of noise by itself, at a noise layer or a layer with weights, with tensors that a test sets.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {

class Harness {
 public:
  /// `values` are the kind's parameters by name; the rest have their defaults.
  Harness(Layer layer, Noise noise, Shape in, bool train = true)
      : layer_(std::move(layer)),
        noise_(std::move(noise)),
        use(noise_use(noise_, layer_, in, train)),
        at{.use = use, .train = train} {
    at.stream = {.seed = 9, .stream = 5};
    if (use.kind->tensors) {
      for (const LayerTensor& tensor : use.kind->tensors(noise_, layer_)) {
        own.emplace_back(elements(tensor.shape), static_cast<float>(tensor.initial));
        d_own.emplace_back(own.back().size(), 0.0f);
      }
    }
    for (std::size_t t = 0; t < own.size(); ++t) {
      at.own[t] = own[t].data();
      at.d_own[t] = d_own[t].data();
    }
    w = model::values(use.weights, 3, -1, 1);
    dw.assign(use.weights, 0);
    at.w = w.data();
    at.dw = dw.data();
    prepared.assign(use.kind->prepared ? use.kind->prepared(use) : 0, 0);
    d_prepared.assign(2 * use.weights, 0);
    at.prepared = prepared.data();
    at.d_prepared = d_prepared.data();
  }
  Harness(const Harness&) = delete;

  /// y of x (rows, numbers in a row).
  std::vector<float> forward(const std::vector<float>& x, std::uint32_t draw = 0) {
    at.rows = x.size() / elements(use.shape);
    at.stream.draw = draw;
    kept.assign(use.kind->kept ? use.kind->kept(use, at.rows, at.train) : 0, 0);
    if (use.kind->marks && marks.empty()) marks.assign(use.kind->marks(use, at.rows), 0);
    at.kept = kept.data();
    at.marks = marks.data();
    if (use.kind->prepare) use.kind->prepare(at);
    std::vector<float> y = x;
    cost = use.kind->forward(at, x.data(), y.data());
    return y;
  }
  /// Rows of ones.
  std::vector<float> masks(std::size_t rows, std::uint32_t draw = 0) {
    return forward(std::vector<float>(rows * elements(use.shape), 1.0f), draw);
  }
  std::vector<float> centre(std::vector<float> x) {
    at.rows = x.size() / elements(use.shape);
    if (use.kind->prepare) use.kind->prepare(at);
    if (use.kind->centre) use.kind->centre(at, x.data());
    return x;
  }
  double penalty() const { return use.kind->penalty(at); }

 private:
  Layer layer_;
  Noise noise_;

 public:
  NoiseUse use;
  At at;
  std::vector<std::vector<float>> own, d_own;
  std::vector<float> w, dw, prepared, d_prepared, kept, marks;
  double cost = 0;
};

/// A noise of a kind with some of its parameters, "p=0.3,kl=exact".
inline Noise noise_with(const std::string& kind, const std::string& settings = "") {
  return {kind, "", read_values(kind, noise_kind(kind).parameters, settings).values};
}

inline Layer of_units(std::size_t width) { return {.type = "noise", .site = 5, .width = width}; }
inline Layer dense(std::size_t in, std::size_t out) {
  return {.type = "linear", .site = 5, .in = in, .out = out};
}

inline double mean_of(const std::vector<float>& v) {
  double sum = 0;
  for (const float x : v) sum += x;
  return sum / double(v.size());
}
inline double variance_of(const std::vector<float>& v) {
  const double mean = mean_of(v);
  double sum = 0;
  for (const float x : v) sum += (x - mean) * (x - mean);
  return sum / double(v.size());
}

}  // namespace scalemix::model
