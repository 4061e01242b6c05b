// Operators with weights: products, convolutions, normalisations.

#include "scalemix/compress/onnx_attributes.h"
#include "scalemix/compress/onnx_step.h"
#include "scalemix/model/build.h"

namespace scalemix::inline v0::compress {

using model::Tensor;

namespace {

/// A constant as a list of numbers, as a bias or a statistic of `count` channels.
Tensor channel_numbers(const OnnxNet& net, const OnnxNode& node, std::size_t input,
                       std::string_view what, std::size_t count) {
  const OnnxTensor& tensor = constant_of(net, node, input, what);
  std::vector<float> values = tensor.floats();
  if (values.size() == 1) values.assign(count, values[0]);
  if (values.size() != count) {
    refuse(node, "expected {} numbers in its {} '{}', got {}", count, what, tensor.name,
           values.size());
  }
  return Tensor::of({count}, values);
}

/// (O, I) of a matrix that is stored so, or (I, O) else.
OnnxStep product(const OnnxNet& net, const OnnxNode& node, bool output_first) {
  const OnnxTensor& matrix = constant_of(net, node, 1, "weights");
  const std::vector<float> values = matrix.floats();
  if (matrix.dims.size() != 2 || values.empty()) {
    refuse(node, "expected a matrix of weights, got '{}' of {} dimensions and {} numbers",
           matrix.name, matrix.dims.size(), values.size());
  }
  const auto rows = static_cast<std::size_t>(matrix.dims[0]),
             columns = static_cast<std::size_t>(matrix.dims[1]);
  const std::size_t out = output_first ? rows : columns, in = output_first ? columns : rows;
  std::vector<float> w = values;
  for (std::size_t i = 0; i < values.size() && !output_first; ++i) {
    w[i % out * in + i / out] = values[i];
  }
  OnnxStep step = layer_step(node, model::linear(in, out, false));
  step.tensors["weight"] = Tensor::of({out, in}, w);
  return step;
}

}  // namespace

OnnxStep read_gemm(const OnnxNet& net, const OnnxNode& node) {
  expect_number(node, "transA", 0, 0);
  expect_real(node, "alpha", 1);
  expect_real(node, "beta", 1);
  const std::int64_t turned = number_of(node, "transB", 0);
  if (turned != 0 && turned != 1) refuse(node, "expected transB 0 or 1, got {}", turned);
  OnnxStep step = product(net, node, turned == 1);
  step.layer.bias = !optional_input_of(node, 2).empty();
  if (step.layer.bias) {
    step.tensors["bias"] = channel_numbers(net, node, 2, "bias", step.layer.out);
  }
  return step;
}

OnnxStep read_matmul(const OnnxNet& net, const OnnxNode& node) { return product(net, node, false); }

OnnxStep read_conv(const OnnxNet& net, const OnnxNode& node) {
  const OnnxTensor& w = constant_of(net, node, 1, "weights");
  const std::vector<float> values = w.floats();
  if (w.dims.size() != 4 || values.empty() || w.dims[2] != w.dims[3]) {
    refuse(node, "expected weights (O, C, k, k), got '{}' of {} dimensions and {} numbers, {} x {}",
           w.name, w.dims.size(), values.size(), w.dims.size() > 2 ? w.dims[2] : 0,
           w.dims.size() > 3 ? w.dims[3] : 0);
  }
  expect_number(node, "group", 1, 1);
  const auto out = static_cast<std::size_t>(w.dims[0]), in = static_cast<std::size_t>(w.dims[1]),
             side = static_cast<std::size_t>(w.dims[2]);
  if (same_number_of(node, "kernel_shape", 2, w.dims[2], 1) != side) {
    refuse(node, "expected the kernel_shape {} of its weights", side);
  }
  const bool bias = !optional_input_of(node, 2).empty();
  OnnxStep step = layer_step(node, model::conv2d(in, out, {}, bias));
  read_window(node, side, step.layer);
  step.tensors["weight"] = Tensor::of({out, in, side, side}, values);
  if (bias) step.tensors["bias"] = channel_numbers(net, node, 2, "bias", out);
  return step;
}

OnnxStep read_batch_normalization(const OnnxNet& net, const OnnxNode& node) {
  expect_number(node, "spatial", 1, 1);
  const std::size_t n = constant_of(net, node, 1, "scale").floats().size();
  OnnxStep step = layer_step(node, model::batch_norm(n, real_of(node, "epsilon", 1e-5f)));
  step.tensors["weight"] = channel_numbers(net, node, 1, "scale", n);
  step.tensors["bias"] = channel_numbers(net, node, 2, "bias", n);
  step.tensors["running_mean"] = channel_numbers(net, node, 3, "mean", n);
  step.tensors["running_var"] = channel_numbers(net, node, 4, "variance", n);
  for (const float var : step.tensors["running_var"].floats()) {
    if (!(var >= 0)) refuse(node, "expected variances of 0 or more, got {}", var);
  }
  return step;
}

OnnxStep read_layer_normalization(const OnnxNet& net, const OnnxNode& node) {
  const std::size_t n = constant_of(net, node, 1, "scale").floats().size();
  OnnxStep step = layer_step(node, model::layer_norm(n, real_of(node, "epsilon", 1e-5f)));
  step.kind = OnnxStep::Kind::norm;
  step.axis = number_of(node, "axis", -1);
  step.tensors["weight"] = channel_numbers(net, node, 1, "scale", n);
  step.tensors["bias"] = optional_input_of(node, 2).empty()
                             ? Tensor::of({n}, std::vector<float>(n))
                             : channel_numbers(net, node, 2, "bias", n);
  return step;
}

}  // namespace scalemix::inline v0::compress
