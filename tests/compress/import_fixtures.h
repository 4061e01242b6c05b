// What the tests of import_onnx share.
#pragma once

#include "scalemix/base/error.h"
#include "scalemix/compress/export_onnx.h"
#include "scalemix/compress/import_onnx.h"
#include "tests/compress/fixtures.h"
#include "tests/compress/onnx_builder.h"

namespace scalemix::compress {

inline Model imported(const std::string& bytes, const ImportOptions& options = {}) {
  return import_onnx(bytes, "net.onnx", options).model;
}

inline std::vector<float> answers(const Model& m, const std::vector<float>& x) {
  const predict::Predictor predictor(m);
  predict::Context context(predictor);
  return predict::predict(context, x, x.size() / predictor.width()).mean;
}

inline void expect_answers(const Model& a, const Model& b, double within = 1e-6) {
  std::vector<float> x = values(5 * elements(a.spec.input), 5, -2, 2);
  x[3] = a.preprocessing.mean.empty() ? x[3] : NAN;
  const std::vector<float> p = answers(a, x), q = answers(b, x);
  ASSERT_EQ(p.size(), q.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    ASSERT_NEAR(p[i], q[i], within * (1 + std::abs(p[i]))) << i;
  }
}

/// "linear relu residual(conv2d |)"
inline std::string words(const std::vector<Layer>& layers) {
  std::string out;
  for (const Layer& l : layers) {
    out += (out.empty() ? "" : " ") + l.type;
    if (l.type == "residual") out += "(" + words(l.branch) + "|" + words(l.shortcut) + ")";
  }
  return out;
}

/// Rows in units, a target in units or classes with names and a temperature.
inline Model with_units(Model m) {
  Preprocessing& p = m.preprocessing;
  const std::size_t k = elements(m.spec.input);
  p.mean = values(k, 41);
  p.scale = values(k, 42, 0.5, 2);
  if (m.spec.task == Task::regression) {
    p.target_mean = 7;
    p.target_scale = 3;
  } else {
    for (std::size_t c = 0; c < m.spec.outputs; ++c) p.classes.push_back("c" + std::to_string(c));
    p.calibration.temperature = 1.5;
  }
  return m;
}

}  // namespace scalemix::compress
