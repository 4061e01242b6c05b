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

constexpr std::size_t kElements = 1'000'000, kWeights = 100'000;  // of a batch, of a layer
constexpr std::size_t kCopy = std::size_t{1} << 24;               // floats: beyond every cache
constexpr double kFloat = sizeof(float);

BenchRow streaming(Timing time, double arrays, std::size_t n) {
  const auto items = static_cast<double>(n);
  return {.time = time, .items = items, .unit = "element", .bytes = arrays * kFloat * items};
}

kernel::Site site(std::size_t n) { return {.rows = 1, .columns = n}; }

BenchRow noise(const std::string& name, std::size_t n, const BenchEffort& effort) {
  const std::vector<float> x = bench_uniforms(n, 1);
  std::vector<float> y(n);
  const Stream stream{1, stream_id(Purpose::train, 1), 0};
  const law::AnyLaw law = law::AnyLaw::parse(name);
  const Timing time = time_calls(effort, [&] {
    kernel::noise(law.multiplier(), stream, site(n), kernel::Combine::multiply, x.data(), y.data());
  });
  const std::size_t last = n - 1;
  if (y[last] != x[last] * law.multiplier()(stream.word(last))) {
    throw std::logic_error("bench: noise of " + name + " is not the stream's");
  }
  return streaming(time, 2, n);
}

/// Both ways: one bit per number is kept in between.
BenchRow noise_and_back(std::size_t n, const BenchEffort& effort) {
  const std::vector<float> x = bench_uniforms(n, 1), dy = bench_uniforms(n, 2);
  std::vector<float> y(n), dx(n);
  std::vector<std::uint8_t> bits(kernel::bit_bytes(n));
  const Stream stream{1, stream_id(Purpose::train, 1), 0};
  const law::AnyLaw law = law::AnyLaw::parse("bernoulli");
  const Timing time = time_calls(effort, [&] {
    kernel::noise_with_bits(law.multiplier(), stream, site(n), x.data(), y.data(), bits.data());
    kernel::noise_from_bits(law.multiplier(), n, bits.data(), dy.data(), dx.data());
  });
  return streaming(time, 4, n);
}

BenchRow reparam(std::size_t n, const BenchEffort& effort) {
  const std::vector<float> mean = bench_uniforms(n, 2), var = bench_uniforms(n, 3, 0, 1);
  std::vector<float> b(n);
  const law::AnyLaw normal = law::AnyLaw::parse("normal");
  const Stream stream{1, stream_id(Purpose::train, 2), 0};
  return streaming(time_calls(effort,
                              [&] {
                                kernel::reparam(normal.raw(), stream, site(n), mean.data(),
                                                var.data(), b.data());
                              }),
                   3, n);
}

/// Weights, their posterior's log variances, gradients and Adam's moments.
struct Weights {
  explicit Weights(std::size_t n)
      : w(bench_uniforms(n, 4)),
        log_sigma2(bench_uniforms(n, 5, -10, 0)),
        g(bench_uniforms(n, 6)),
        m(n, 0) {}
  std::vector<float> w, log_sigma2, g, m, v = m, m2 = m, v2 = m, sigma2 = m;
};

BenchRow svdo_terms(std::size_t n, const BenchEffort& effort) {
  Weights a(n);
  return streaming(
      time_calls(effort,
                 [&] { kernel::svdo_terms(n, a.w.data(), a.log_sigma2.data(), a.sigma2.data()); }),
      3, n);
}

BenchRow svdo_adam(std::size_t n, const BenchEffort& effort) {
  Weights a(n);
  kernel::svdo_variance(n, a.log_sigma2.data(), a.sigma2.data());
  std::uint64_t step = 0;
  const auto update = [&] {
    kernel::svdo_adam({}, {}, ++step, n, a.g.data(), a.g.data(), 1e-4,
                      {a.w.data(), a.m.data(), a.v.data()},
                      {a.log_sigma2.data(), a.m2.data(), a.v2.data()}, a.sigma2.data());
  };
  return streaming(time_calls(effort, update), 16, n);
}

BenchRow adam(std::size_t n, const BenchEffort& effort) {
  Weights a(n);
  std::uint64_t step = 0;
  const auto update = [&] {
    kernel::adam({}, ++step, 1, n, a.g.data(), a.m.data(), a.v.data(), a.w.data());
  };
  return streaming(time_calls(effort, update), 7, n);
}

BenchRow gemm(std::size_t n, const BenchEffort& effort) {
  const std::vector<float> a = bench_uniforms(n * n, 7), b = bench_uniforms(n * n, 8);
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

std::vector<BenchCase> bench_floors() {
  return {{"memory", "copy 64 MiB", copy},
          {"product", "1024^3", [](const BenchEffort& effort) { return gemm(1024, effort); }}};
}

std::vector<BenchCase> bench_kernels(std::size_t elements) {
  const std::size_t n = elements ? elements : kElements, weights = elements ? elements : kWeights;
  const std::string suffix = elements ? ", " + std::to_string(elements) : "";
  std::vector<BenchCase> out;
  const auto add = [&](const std::string& name, std::size_t size, auto measure) {
    out.push_back({"kernel", name + suffix,
                   [=](const BenchEffort& effort) { return measure(size, effort); }});
  };
  for (const law::LawRow& row : law::laws()) {
    const std::string name(row.name);
    add("noise " + name, n,
        [name](std::size_t size, const BenchEffort& effort) { return noise(name, size, effort); });
  }
  add("bernoulli both ways", n, noise_and_back);
  add("reparam", n, reparam);
  add("svdo_terms", weights, svdo_terms);
  add("svdo_adam", weights, svdo_adam);
  add("adam", weights, adam);
  if (elements) return out;
  for (const std::size_t side : {std::size_t{256}, std::size_t{512}}) {
    add("gemm " + std::to_string(side) + "^3", side, gemm);
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
