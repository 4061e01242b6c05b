// Products of networks' shapes: all of a training step, those of data or gradients that are mostly
// zeros, a row's.

#include <algorithm>

#include "scalemix/cli/bench.h"
#include "scalemix/kernel/conv.h"
#include "scalemix/kernel/conv_sparse.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/gemv.h"
#include "scalemix/kernel/sparse_rows.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"

namespace scalemix::inline v0::cli {
namespace {

using kernel::Trans;

/// A layer's operands, each with its gradient beside it.
struct Operands {
  std::size_t rows, in, out;
  std::vector<float> x, w, y, dx, dw;

  Operands(std::size_t rows, std::size_t in, std::size_t out)
      : rows(rows),
        in(in),
        out(out),
        x(bench_uniforms(rows * in, 1)),
        w(bench_uniforms(in * out, 2)),
        y(bench_uniforms(rows * out, 3)),
        dx(x.size()),
        dw(w.size()) {}

  void forward() {
    kernel::gemm(Trans::no, Trans::yes, rows, out, in, x.data(), in, w.data(), in, 0, y.data(),
                 out);
  }
  void to_weights() {
    kernel::gemm(Trans::yes, Trans::no, out, in, rows, y.data(), out, x.data(), in, 0, dw.data(),
                 in);
  }
  void to_input() {
    kernel::gemm(Trans::no, Trans::no, rows, in, out, y.data(), out, w.data(), in, 0, dx.data(),
                 in);
  }
};

/// The dense products of a training step alone: what is left of it when all else is free. Layers of
/// `widths`; every product twice, for the mean and for the variance.
BenchRow step_products(const std::vector<std::size_t>& widths, std::size_t rows,
                       const BenchEffort& effort) {
  std::vector<Operands> layers;
  double flops = 0;
  for (std::size_t i = 0; i + 1 < widths.size(); ++i) {
    for (int moment = 0; moment < 2; ++moment) {
      layers.emplace_back(rows, widths[i], widths[i + 1]);
      flops += 2.0 * static_cast<double>(rows * widths[i] * widths[i + 1]) * (i == 0 ? 2 : 3);
    }
  }
  const auto step = [&] {
    for (Operands& layer : layers) layer.forward();
    for (std::size_t i = layers.size(); i-- > 0;) {
      layers[i].to_weights();
      if (i >= 2) layers[i].to_input();
    }
  };
  return {.time = time_calls(effort, step), .items = 1, .unit = "step", .flops = flops};
}

/// Both moments and both gradients of a first layer, of a batch in which one number of five is not
/// zero.
BenchRow sparse(const BenchEffort& effort) {
  constexpr std::size_t kRows = 100, kIn = 784, kOut = 300;
  Operands mean(kRows, kIn, kOut), variance(kRows, kIn, kOut);
  const std::vector<float> base(kIn, 0.0f), pick = bench_uniforms(kRows * kIn, 4);
  for (std::size_t i = 0; i < pick.size(); ++i) mean.x[i] *= pick[i] > 0.6f;
  std::vector<float> memory(kernel::SparseRows::memory(kRows, kIn));
  const kernel::SparseRows x(kRows, kIn, memory.data());
  const auto step = [&] {
    x.mark(mean.x.data(), base.data(), true);
    kernel::sparse_moments(x, kOut, mean.w.data(), nullptr, variance.w.data(), mean.y.data(),
                           variance.y.data());
    kernel::sparse_moments_to_weights(x, base.data(), kOut, mean.y.data(), variance.y.data(),
                                      mean.dw.data(), variance.dw.data());
  };
  return {.time = time_calls(effort, step), .items = kRows, .unit = "row"};
}

/// All gradients of LeNet-5's second layer, of both moments, behind a max pool: of four places one
/// has a gradient.
BenchRow pooled_gradients(const BenchEffort& effort) {
  const kernel::Conv2d shape{.n = 100, .c = 20, .h = 12, .w = 12, .o = 50, .window = {5, 1, 0}};
  const std::size_t places = shape.n * shape.o * 64, weights = shape.o * shape.c * 25;
  Operands mean(1, weights, 1), variance(1, weights, 1);
  const auto x = bench_uniforms(shape.n * shape.c * 144, 4);
  auto dy = bench_uniforms(places, 5), dvar = bench_uniforms(places, 6);
  for (std::size_t i = 0; i < places; ++i) {
    if (i % 4 != i / 4 % 4) dy[i] = dvar[i] = 0;
  }
  std::vector<float> dx(x.size()), scratch(kernel::conv2d_sparse_backward_scratch(shape));
  const auto backward = [&] {
    kernel::conv2d_sparse_backward(shape,
                                   {.x = x.data(),
                                    .w = mean.w.data(),
                                    .dy = dy.data(),
                                    .dw = mean.dw.data(),
                                    .dx = dx.data(),
                                    .sigma2 = variance.w.data(),
                                    .dvar = dvar.data(),
                                    .dsigma2 = variance.dw.data()},
                                   scratch.data());
  };
  return {
      .time = time_calls(effort, backward), .items = static_cast<double>(shape.n), .unit = "row"};
}

/// One convolution of a network, with room for what its passes need.
struct Convolution {
  kernel::Conv2d shape;
  std::vector<float> x, w, y, dx, dw, scratch;

  Convolution(const model::Layer& layer, const model::Shape& in, std::size_t rows)
      : shape{.n = rows,
              .c = in[0],
              .h = in[1],
              .w = in[2],
              .o = layer.out,
              .window = {layer.kernel, layer.stride, layer.padding}},
        x(bench_uniforms(rows * model::elements(in), 1)),
        w(bench_uniforms(model::weight_count(layer), 2)),
        y(bench_uniforms(rows * model::elements(model::output_shape(layer, in)), 3)),
        dx(x.size()),
        dw(w.size()),
        scratch(std::max(kernel::conv2d_scratch(shape), kernel::conv2d_backward_scratch(shape))) {}
};

/// The convolutions of a training step alone, on colour images of 32 x 32: what is left of it when
/// all else is free.
BenchRow step_convolutions(const std::string& architecture, std::size_t rows,
                           const BenchEffort& effort) {
  const model::Spec spec =
      model::architecture(architecture, {{3, 32, 32}, Task::classification, 10});
  std::vector<Convolution> layers;
  double flops = 0;
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape& in) {
    if (!model::has_weights(layer) || !model::layer_kind(layer.type).windows) return;
    flops += 2 * model::multiplications(layer, in) * static_cast<double>(rows) *
             (layers.empty() ? 2 : 3);
    layers.emplace_back(layer, in, rows);
  });
  const auto step = [&] {
    for (Convolution& c : layers) {
      kernel::conv2d_forward(c.shape, c.x.data(), c.w.data(), nullptr, c.scratch.data(),
                             c.y.data());
    }
    for (std::size_t i = layers.size(); i-- > 0;) {
      Convolution& c = layers[i];
      kernel::conv2d_backward_weight(c.shape, c.x.data(), c.y.data(), c.scratch.data(),
                                     c.dw.data());
      if (i == 0) continue;
      kernel::conv2d_backward_input(c.shape, c.y.data(), c.w.data(), false, c.scratch.data(),
                                    c.dx.data());
    }
  };
  return {.time = time_calls(effort, step), .items = 1, .unit = "step", .flops = flops};
}

BenchRow row_product(const BenchEffort& effort) {
  constexpr std::size_t kIn = 784, kOut = 300;
  Operands o(1, kIn, kOut);
  const auto product = [&] { kernel::gemv(kOut, kIn, o.w.data(), kIn, o.x.data(), 0, o.y.data()); };
  return {.time = time_calls(effort, product),
          .items = 1,
          .unit = "product",
          .bytes = sizeof(float) * static_cast<double>(kIn * kOut),
          .flops = 2.0 * static_cast<double>(kIn * kOut)};
}

}  // namespace

std::vector<BenchCase> bench_products() {
  const auto step = [](const BenchEffort& effort) {
    return step_products({784, 300, 100, 10}, 100, effort);
  };
  const auto convolutions = [](const char* architecture) {
    return [architecture](const BenchEffort& effort) {
      return step_convolutions(architecture, 100, effort);
    };
  };
  return {{"kernel", "gemv 300 x 784", row_product},
          {"kernel", "sparse moments both ways, 784 to 300", sparse},
          {"kernel", "gradients before a pool, 20 x 12 x 12 to 50", pooled_gradients},
          {"products", "of mlp:300-100 svdo, batch 100", step},
          {"products", "convolutions of resnet:1, batch 100", convolutions("resnet:1")},
          {"products", "convolutions of vgg:0.25, batch 100", convolutions("vgg:0.25")}};
}

}  // namespace scalemix::inline v0::cli
