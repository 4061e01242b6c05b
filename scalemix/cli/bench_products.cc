// The dense products of a training step alone: what is left of a step when all else is free.

#include "scalemix/cli/bench.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::cli {
namespace {

using kernel::Trans;

std::vector<float> uniforms(std::size_t n, std::uint32_t number) {
  const Stream stream{7, stream_id(Purpose::generate, number), 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<float>(2 * stream.uniform(i) - 1);
  return out;
}

/// A layer's operands, each with its gradient beside it.
struct Operands {
  std::size_t rows, in, out;
  std::vector<float> x, w, y, dx, dw;

  Operands(std::size_t rows, std::size_t in, std::size_t out)
      : rows(rows),
        in(in),
        out(out),
        x(uniforms(rows * in, 1)),
        w(uniforms(in * out, 2)),
        y(uniforms(rows * out, 3)),
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

/// Layers of `widths`; every product twice, for the mean and for the variance.
BenchRow measure(const std::vector<std::size_t>& widths, std::size_t rows,
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

}  // namespace

std::vector<BenchCase> bench_products() {
  return {{"products", "of mlp:300-100 svdo, batch 100", [](const BenchEffort& effort) {
             return measure({784, 300, 100, 10}, 100, effort);
           }}};
}

}  // namespace scalemix::inline v0::cli
