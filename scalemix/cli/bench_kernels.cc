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
constexpr std::size_t kCopy = std::size_t{1} << 24;  // floats: beyond every cache
constexpr double kFloat = sizeof(float);

BenchRow streaming(std::string name, Timing time, double arrays) {
  return {"kernel", std::move(name), time, kN, "element", arrays * kFloat * kN, 0};
}

std::vector<float> uniforms(std::size_t n, std::uint32_t number, double lo, double hi) {
  const Stream stream{7, stream_id(Purpose::generate, number), 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i)
    out[i] = static_cast<float>(lo + (hi - lo) * stream.uniform(i));
  return out;
}

void bench_noise(const BenchEffort& effort, std::vector<BenchRow>& out) {
  const std::vector<float> x = uniforms(kN, 1, -1, 1);
  std::vector<float> y(kN);
  const kernel::Site site{.rows = kN / kWidth, .columns = kWidth};
  const Stream stream{1, stream_id(Purpose::train, 1), 0};
  for (const law::LawRow& row : law::laws()) {
    const law::AnyLaw law = law::AnyLaw::parse(row.name);
    const Timing time = time_calls(effort, [&] {
      kernel::noise(law.multiplier(), stream, site, kernel::Mode::multiply, x.data(), y.data());
    });
    if (y[5] != x[5] * law.multiplier()(stream.word(5))) {
      throw std::logic_error("bench: noise of " + std::string(row.name) + " is not the stream's");
    }
    out.push_back(streaming("noise " + std::string(row.name), time, 2));
  }
}

void bench_reparam(const BenchEffort& effort, std::vector<BenchRow>& out) {
  const std::vector<float> mean = uniforms(kN, 2, -1, 1), var = uniforms(kN, 3, 0, 1);
  std::vector<float> b(kN);
  const law::AnyLaw normal = law::AnyLaw::parse("normal");
  const kernel::Site site{.rows = kN / kWidth, .columns = kWidth};
  const Stream stream{1, stream_id(Purpose::train, 2), 0};
  const Timing time = time_calls(effort, [&] {
    kernel::reparam(normal.raw(), stream, site, mean.data(), var.data(), b.data());
  });
  out.push_back(streaming("reparam", time, 3));
}

void bench_weights(const BenchEffort& effort, std::vector<BenchRow>& out) {
  std::vector<float> w = uniforms(kN, 4, -1, 1), m(kN, 0), v(kN, 0), sigma2(kN);
  const std::vector<float> log_sigma2 = uniforms(kN, 5, -10, 0), g = uniforms(kN, 6, -1, 1);
  out.push_back(streaming(
      "svdo_terms",
      time_calls(effort,
                 [&] { kernel::svdo_terms(kN, w.data(), log_sigma2.data(), sigma2.data()); }),
      3));
  std::uint64_t step = 0;
  out.push_back(streaming(
      "adam",
      time_calls(effort,
                 [&] { kernel::adam({}, ++step, 1, kN, g.data(), m.data(), v.data(), w.data()); }),
      7));
}

void bench_gemm(const BenchEffort& effort, std::vector<BenchRow>& out) {
  for (const std::size_t n : {std::size_t{256}, std::size_t{512}, std::size_t{1024}}) {
    const std::vector<float> a = uniforms(n * n, 7, -1, 1), b = uniforms(n * n, 8, -1, 1);
    std::vector<float> c(n * n);
    const Timing time = time_calls(effort, [&] {
      kernel::gemm(kernel::Trans::no, kernel::Trans::yes, n, n, n, a.data(), n, b.data(), n, 0,
                   c.data(), n);
    });
    const double flops = 2.0 * static_cast<double>(n * n * n);
    out.push_back({"kernel", "gemm " + std::to_string(n) + "^3", time, 1, "product", 0, flops});
  }
}

}  // namespace

std::vector<BenchRow> bench_memory(const BenchEffort& effort) {
  const std::vector<float> from(kCopy, 1.0f);
  std::vector<float> to(kCopy, 0.0f);
  const Timing time = time_calls(effort, [&] {
    kernel::for_tiles(kCopy, [&](std::size_t first, std::size_t length) {
      std::memcpy(&to[first], &from[first], length * sizeof(float));
    });
  });
  return {{"memory", "copy 64 MiB", time, kCopy, "element", 2 * kFloat * kCopy, 0}};
}

std::vector<BenchRow> bench_kernels(const BenchEffort& effort) {
  std::vector<BenchRow> out;
  bench_noise(effort, out);
  bench_reparam(effort, out);
  bench_weights(effort, out);
  bench_gemm(effort, out);
  return out;
}

}  // namespace scalemix::inline v0::cli
