// Products with weights of which most are zero, beside the dense one, and a whole pruned network.

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "scalemix/cli/bench.h"
#include "scalemix/cli/products.h"
#include "scalemix/kernel/packed.h"
#include "scalemix/kernel/sparse_weights.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
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

/// A network with so many zeros in each layer with weights, as variational dropout leaves it.
struct PrunedNetwork {
  const char *architecture, *left;
  model::Shape input;
  std::vector<double> zeros;  // Molchanov et al. (2017), table 1
};

const std::vector<PrunedNetwork>& networks() {
  static const std::vector<PrunedNetwork> all{
      {"mlp:300-100", "68", {784}, {0.989, 0.972, 0.62}},
      {"lenet5", "280", {1, 28, 28}, {0.67, 0.98, 0.998, 0.95}}};
  return all;
}

BenchRow run_network(const PrunedNetwork& network, std::size_t rows, bool pruned,
                     const BenchEffort& effort) {
  model::Model m;
  m.spec = model::architecture(network.architecture, {network.input, Task::classification, 10});
  std::size_t l = 0;
  double flops = 0;
  model::for_each_layer(m.spec, [&](const model::Layer& layer, const model::Shape& in) {
    if (!model::has_weights(layer)) return;
    const double zeros = pruned ? network.zeros[l] : 0;
    for (const model::LayerTensor& t : model::tensors(layer)) {
      const bool weight = t.name == "weight";
      const auto number = static_cast<std::uint32_t>(10 * l + (weight ? 0 : 5));
      m.tensors[layer.name + "." + t.name] = model::Tensor::of(
          t.shape, mostly_zero(model::elements(t.shape), number, weight ? zeros : 0));
    }
    flops += 2 * (1 - zeros) * model::multiplications(layer, in) * static_cast<double>(rows);
    ++l;
  });
  const predict::Predictor predictor(std::move(m), products_here(false, true));
  predict::Context context(predictor);
  const std::vector<float> x = bench_uniforms(rows * model::elements(network.input), 100);
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
    for (const PrunedNetwork& network : networks()) {
      for (const bool pruned : {false, true}) {
        const std::string what = pruned ? fmt::format("pruned {} times", network.left) : "dense";
        out.push_back(
            {"sparse",
             fmt::format("{} {}, {} row{}", network.architecture, what, rows, rows == 1 ? "" : "s"),
             [&network, rows, pruned](const BenchEffort& effort) {
               return run_network(network, rows, pruned, effort);
             }});
      }
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
