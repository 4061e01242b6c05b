// Products with weights of which most are zero, beside the dense one, and a whole pruned network.

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "scalemix/cli/bench.h"
#include "scalemix/kernel/packed.h"
#include "scalemix/kernel/sparse_weights.h"
#include "scalemix/model/architecture.h"
#include "scalemix/predict/predictor.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kSide = 1000;
constexpr std::size_t kLine = 16;  // floats

/// Room for packed weights, from a line on.
class Lines {
 public:
  explicit Lines(std::size_t floats) : memory_(floats + kLine) {}
  float* data() {
    const auto at = reinterpret_cast<std::uintptr_t>(memory_.data()) / sizeof(float) % kLine;
    return memory_.data() + (kLine - at) % kLine;
  }

 private:
  std::vector<float> memory_;
};

/// Numbers in (-1, 1), a share of them zero.
std::vector<float> mostly_zero(std::size_t n, std::uint32_t number, double zeros) {
  std::vector<float> out = bench_uniforms(n, number);
  const std::vector<float> keep = bench_uniforms(n, number + 1, 0, 1);
  for (std::size_t i = 0; i < n; ++i) {
    if (keep[i] < zeros) out[i] = 0;
  }
  return out;
}

/// One layer of 1000 x 1000.
BenchRow layer(std::size_t rows, double zeros, const BenchEffort& effort) {
  const std::vector<float> x = bench_uniforms(rows * kSide, 1),
                           w = mostly_zero(kSide * kSide, 2, zeros);
  std::vector<float> y(rows * kSide);
  const auto left = kernel::left_per_row(kSide, kSide, w.data());
  double count = 0;
  for (const std::uint32_t n : left) count += n;
  BenchRow out{.items = static_cast<double>(rows), .unit = "row"};
  out.flops = 2 * count * static_cast<double>(rows);
  if (zeros == 0) {
    Lines packed(kernel::packed_size(kSide, kSide));
    kernel::pack(kSide, kSide, w.data(), kSide, packed.data());
    out.bytes = 4 * static_cast<double>(w.size() + x.size() + y.size());
    out.time = time_calls(effort, [&] {
      kernel::packed_product(rows, kSide, kSide, x.data(), kSide, packed.data(), nullptr, y.data(),
                             kSide);
    });
    return out;
  }
  Lines packed(kernel::sparse_weights_size(left)),
      scratch(kernel::sparse_weights_scratch(rows, kSide));
  kernel::pack_sparse_weights(kSide, kSide, w.data(), packed.data());
  out.bytes = 8 * count + 4 * static_cast<double>(x.size() + y.size());
  out.time = time_calls(effort, [&] {
    kernel::sparse_weights_product(rows, kSide, kSide, x.data(), packed.data(), nullptr,
                                   scratch.data(), y.data());
  });
  return out;
}

/// mlp:300-100 with so many zeros in each layer, as variational dropout leaves it; or dense.
BenchRow network(std::size_t rows, bool pruned, const BenchEffort& effort) {
  model::Model m;
  m.spec = model::architecture("mlp:300-100", {{784}, Task::classification, 10});
  constexpr double kZeros[] = {0.989, 0.97, 0.62};  // 1 weight in 68 is left
  std::size_t l = 0;
  double flops = 0;
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape&) {
    for (const model::LayerTensor& t : model::tensors(layer)) {
      const std::size_t n = model::elements(t.shape);
      const double zeros = pruned && t.name == "weight" ? kZeros[l] : 0;
      const auto number = static_cast<std::uint32_t>(10 * l + (t.name == "weight" ? 0 : 5));
      m.tensors[layer.name + "." + t.name] =
          model::Tensor::of(t.shape, mostly_zero(n, number, zeros));
      if (t.name == "weight") flops += 2 * (1 - zeros) * static_cast<double>(n * rows);
    }
    if (!model::tensors(layer).empty()) ++l;
  });
  const predict::Predictor predictor(std::move(m));
  predict::Context context(predictor);
  const std::vector<float> x = bench_uniforms(rows * 784, 100);
  std::vector<float> logits;
  const Timing time =
      time_calls(effort, [&] { predict::predict_outputs(context, x, rows, {}, logits); });
  return {.time = time, .items = static_cast<double>(rows), .unit = "row", .flops = flops};
}

}  // namespace

std::vector<BenchCase> bench_sparse() {
  std::vector<BenchCase> out;
  for (const std::size_t rows : {1, 16, 128}) {
    for (const double zeros : {0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99}) {
      out.push_back({"sparse",
                     fmt::format("1000 x 1000, {:g} % zeros, {} row{}", 100 * zeros, rows,
                                 rows == 1 ? "" : "s"),
                     [=](const BenchEffort& effort) { return layer(rows, zeros, effort); }});
    }
    for (const bool pruned : {false, true}) {
      out.push_back({"sparse",
                     fmt::format("mlp:300-100 {}, {} row{}", pruned ? "pruned 68 times" : "dense",
                                 rows, rows == 1 ? "" : "s"),
                     [=](const BenchEffort& effort) { return network(rows, pruned, effort); }});
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
