// What the tests of model/ share: problems, words, small models with reproducible tensors.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"
#include "scalemix/model/model_file.h"
#include "scalemix/random/stream.h"

namespace scalemix::model {

inline Problem table_problem() { return {{7}, Task::regression, 2}; }
inline Problem image_problem() { return {{1, 16, 16}, Task::classification, 3}; }
inline Problem colour_problem() { return {{3, 32, 32}, Task::classification, 4}; }

/// A short form with a problem that it fits; small widths where the form allows.
struct Case {
  std::string word;
  Problem problem;
};

inline std::vector<Case> short_forms() {
  return {{"linear", table_problem()},     {"mlp", table_problem()},
          {"mlp:6-5", table_problem()},    {"mlp:6-5", image_problem()},
          {"resmlp:6x3", table_problem()}, {"skipmlp:6x2", table_problem()},
          {"lenet5", image_problem()},     {"vgg:0.03125", colour_problem()},
          {"resnet:1", image_problem()}};
}

inline std::vector<std::string> types(const std::vector<Layer>& layers) {
  std::vector<std::string> out;
  for (const Layer& layer : layers) out.push_back(layer.type);
  return out;
}

/// Runs f, which must throw E, and returns the message.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing of the expected type was thrown";
  return {};
}

/// Uniform values in [lo, hi) that depend on the number alone.
inline std::vector<float> values(std::size_t n, std::uint32_t number, double lo = -1,
                                 double hi = 1) {
  const Stream stream{12345, number, 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(lo + (hi - lo) * stream.uniform(i));
  }
  return out;
}

/// A model with every tensor filled: running variances and scales positive, log_sigma2 on both
/// sides of the threshold.
inline Model filled_model(const Spec& spec) {
  Model model;
  model.spec = spec;
  std::uint32_t number = 1;
  for_each_layer(model.spec, [&](const Layer& layer, const Shape&) {
    for (const LayerTensor& p : tensors(layer)) {
      const bool variance = p.name == "running_var";
      const bool log_variance = p.name == "log_sigma2";
      const double scale =
          p.shape.size() > 1 ? 1 / std::sqrt(double(elements(p.shape) / p.shape[0])) : 0.5;
      // What is learned of a law must stay in its range.
      const bool of_law = p.shape == Shape{1} && p.initial != 0;
      const double lo = variance ? 0.5 : log_variance ? -12 : of_law ? 0.8 * p.initial : -scale;
      const double hi = variance ? 2 : log_variance ? 2 : of_law ? 1.2 * p.initial : scale;
      model.tensors[layer.name + "." + p.name] =
          Tensor::of(p.shape, values(elements(p.shape), number++, lo, hi));
    }
  });
  if (spec.task == Task::regression) {
    model.tensors["output.log_precision"] =
        Tensor::of({spec.outputs}, values(spec.outputs, number, 0, 2));
  }
  return model;
}

inline Spec made(const std::string& word, const Problem& problem,
                 const std::vector<std::string>& methods = {}) {
  Spec spec = architecture(word, problem);
  for (const std::string& method : methods) apply_method(spec, method);
  return spec;
}

/// A folder of this test's own, removed with it.
class Folder {
 public:
  Folder() {
    const auto* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("scalemix_") + info->test_suite_name() + "_" + info->name());
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace scalemix::model
