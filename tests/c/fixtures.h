// What the tests of the C interface share: models in files, and handles that free themselves.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "scalemix/c/scalemix.h"
#include "scalemix/predict/predictor.h"
#include "tests/model/fixtures.h"

namespace scalemix::c {

struct Free {
  void operator()(scalemix_model* model) const { scalemix_model_free(model); }
  void operator()(scalemix_context* context) const { scalemix_context_free(context); }
};
using ModelHandle = std::unique_ptr<scalemix_model, Free>;
using ContextHandle = std::unique_ptr<scalemix_context, Free>;

/// Two targets, noise, names of inputs.
inline model::Model regression() {
  model::Model m =
      model::filled_model(model::made("mlp:6-5", model::table_problem(), {"bernoulli:p=0.3"}));
  for (int i = 0; i < 7; ++i) m.preprocessing.features.push_back("x" + std::to_string(i));
  m.preprocessing.mean = model::values(7, 50);
  m.preprocessing.scale = model::values(7, 51, 0.5, 2);
  m.preprocessing.target_mean = 3;
  m.preprocessing.target_scale = 2;
  return m;
}

/// Three classes with names, a convolutional network, learned noise.
inline model::Model classification() {
  model::Model m = model::filled_model(model::made("lenet5", model::image_problem(), {"svdo"}));
  m.preprocessing.classes = {"cat", "dog", "\xc3\xa9toile"};
  return m;
}

/// Nothing in it draws.
inline model::Model still() {
  return model::filled_model(model::made("mlp:4", model::table_problem()));
}

/// Most weights are zero, so that the products leave them out.
inline model::Model pruned() {
  model::Model m = model::filled_model(
      model::made("mlp:100-50", model::image_problem(), {"gaussian:alpha=0.1"}));
  for (const char* name : {"linear1.weight", "linear2.weight"}) {
    model::Tensor& w = m.tensors.at(name);
    std::vector<float> numbers = w.floats();
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (i % 30 != 0) numbers[i] = 0;
    }
    w = model::Tensor::of(w.shape, numbers);
  }
  return m;
}

inline std::string saved(const model::Folder& folder, const model::Model& m) {
  const std::string path = folder.file("m.safetensors");
  model::save_model(path, m);
  return path;
}

inline ModelHandle loaded(const std::string& path) {
  scalemix_model* model = nullptr;
  EXPECT_EQ(scalemix_model_load(path.c_str(), &model), SCALEMIX_OK) << scalemix_last_error();
  return ModelHandle(model);
}

inline ContextHandle context_of(const ModelHandle& model) {
  scalemix_context* context = nullptr;
  EXPECT_EQ(scalemix_context_new(model.get(), &context), SCALEMIX_OK) << scalemix_last_error();
  return ContextHandle(context);
}

/// Rows with a number missing here and there.
inline std::vector<float> rows_of(std::size_t rows, std::size_t width) {
  std::vector<float> x = model::values(rows * width, 60);
  for (std::size_t i = 3; i < x.size(); i += 11) x[i] = NAN;
  return x;
}

/// Arrays for a prediction, of the sizes the model asks for.
struct Arrays {
  Arrays(const ModelHandle& model, std::size_t rows) {
    std::size_t outputs = 0, parts = 0;
    EXPECT_EQ(scalemix_model_outputs(model.get(), &outputs), SCALEMIX_OK);
    EXPECT_EQ(scalemix_model_uncertainties(model.get(), &parts), SCALEMIX_OK);
    mean.assign(rows * outputs, -99);
    epistemic.assign(rows * parts, -99);
    aleatoric.assign(rows * parts, -99);
  }
  scalemix_prediction all() {
    return {mean.data(),      mean.size(),      epistemic.data(),
            epistemic.size(), aleatoric.data(), aleatoric.size()};
  }

  std::vector<float> mean, epistemic, aleatoric;
};

}  // namespace scalemix::c
