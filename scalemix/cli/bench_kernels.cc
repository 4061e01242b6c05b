// Kernels over a million floats, and products.

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "scalemix/cli/bench.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/kernel/optimiser.h"
#include "scalemix/kernel/reparam.h"
#include "scalemix/kernel/tiles.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kN = 1'000'000, kWidth = 1000;
constexpr std::size_t kWeights = 100'000;            // a layer's
constexpr std::size_t kCopy = std::size_t{1} << 24;  // floats: beyond every cache
constexpr double kFloat = sizeof(float);

BenchRow streaming(Timing time, double arrays, std::size_t n = kN) {
  const auto items = static_cast<double>(n);
  return {.time = time, .items = items, .unit = "element", .bytes = arrays * kFloat * items};
}

std::vector<float> uniforms(std::size_t n, std::uint32_t number, double lo, double hi) {
  const Stream stream{7, stream_id(Purpose::generate, number), 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<float>(lo + (hi - lo) * stream.uniform(i));
  return out;
}

const kernel::Site kSite{.rows = kN / kWidth, .columns = kWidth};

BenchRow noise(const std::string& name, const BenchEffort& effort) {
  const std::vector<float> x = uniforms(kN, 1, -1, 1);
  std::vector<float> y(kN);
  const Stream stream{1, stream_id(Purpose::train, 1), 0};
  const law::AnyLaw law = law::AnyLaw::parse(name);
  const Timing time = time_calls(effort, [&] {
    kernel::noise(law.multiplier(), stream, kSite, kernel::Mode::multiply, x.data(), y.data());
  });
  if (y[5] != x[5] * law.multiplier()(stream.word(5))) {
    throw std::logic_error("bench: noise of " + name + " is not the stream's");
  }
  return streaming(time, 2);
}

BenchRow reparam(const BenchEffort& effort) {
  const std::vector<float> mean = uniforms(kN, 2, -1, 1), var = uniforms(kN, 3, 0, 1);
  std::vector<float> b(kN);
  const law::AnyLaw normal = law::AnyLaw::parse("normal");
  const Stream stream{1, stream_id(Purpose::train, 2), 0};
  return streaming(
      time_calls(
          effort,
          [&] { kernel::reparam(normal.raw(), stream, kSite, mean.data(), var.data(), b.data()); }),
      3);
}

/// Weights, their posterior's log variances, gradients and Adam's moments.
struct Weights {
  std::vector<float> w = uniforms(kWeights, 4, -1, 1), log_sigma2 = uniforms(kWeights, 5, -10, 0),
                     g = uniforms(kWeights, 6, -1, 1);
  std::vector<float> m = std::vector<float>(kWeights, 0), v = m, m2 = m, v2 = m, sigma2 = m,
                     slope = m;
};

BenchRow svdo_terms(const BenchEffort& effort) {
  Weights a;
  return streaming(
      time_calls(
          effort,
          [&] { kernel::svdo_terms(kWeights, a.w.data(), a.log_sigma2.data(), a.sigma2.data()); }),
      3, kWeights);
}

BenchRow svdo_adam(const BenchEffort& effort) {
  Weights a;
  kernel::svdo_prepare(kWeights, a.w.data(), a.log_sigma2.data(), a.sigma2.data(), a.slope.data());
  std::uint64_t step = 0;
  const auto update = [&] {
    kernel::svdo_adam({}, {}, ++step, kWeights, a.g.data(), a.g.data(), 1e-4,
                      {a.w.data(), a.m.data(), a.v.data()},
                      {a.log_sigma2.data(), a.m2.data(), a.v2.data()}, a.sigma2.data(),
                      a.slope.data());
  };
  return streaming(time_calls(effort, update), 18, kWeights);
}

BenchRow adam(const BenchEffort& effort) {
  Weights a;
  std::uint64_t step = 0;
  const auto update = [&] {
    kernel::adam({}, ++step, 1, kWeights, a.g.data(), a.m.data(), a.v.data(), a.w.data());
  };
  return streaming(time_calls(effort, update), 7, kWeights);
}

BenchRow gemm(std::size_t n, const BenchEffort& effort) {
  const std::vector<float> a = uniforms(n * n, 7, -1, 1), b = uniforms(n * n, 8, -1, 1);
  std::vector<float> c(n * n);
  const auto product = [&] {
    kernel::gemm(kernel::Trans::no, kernel::Trans::yes, n, n, n, a.data(), n, b.data(), n, 0,
                 c.data(), n);
  };
  return {.time = time_calls(effort, product),
          .items = 1,
          .unit = "product",
          .flops = 2.0 * static_cast<double>(n * n * n)};
}

BenchRow copy(const BenchEffort& effort) {
  const std::vector<float> from(kCopy, 1.0f);
  std::vector<float> to(kCopy, 0.0f);
  const Timing time = time_calls(effort, [&] {
    kernel::for_tiles(kCopy, [&](std::size_t first, std::size_t length) {
      std::memcpy(&to[first], &from[first], length * sizeof(float));
    });
  });
  return {.time = time, .items = kCopy, .unit = "element", .bytes = 2 * kFloat * kCopy};
}

}  // namespace

std::vector<BenchCase> bench_memory() { return {{"memory", "copy 64 MiB", copy}}; }

std::vector<BenchCase> bench_kernels() {
  std::vector<BenchCase> out;
  for (const law::LawRow& row : law::laws()) {
    const std::string name(row.name);
    out.push_back({"kernel", "noise " + name,
                   [name](const BenchEffort& effort) { return noise(name, effort); }});
  }
  out.push_back({"kernel", "reparam", reparam});
  out.push_back({"kernel", "svdo_terms", svdo_terms});
  out.push_back({"kernel", "svdo_adam", svdo_adam});
  out.push_back({"kernel", "adam", adam});
  for (const std::size_t n : {std::size_t{256}, std::size_t{512}, std::size_t{1024}}) {
    out.push_back({"kernel", "gemm " + std::to_string(n) + "^3",
                   [n](const BenchEffort& effort) { return gemm(n, effort); }});
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
