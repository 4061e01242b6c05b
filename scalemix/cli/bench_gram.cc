// Kernel matrices of wide networks, and the product they begin with.

#include <cblas.h>

#include <memory>

#include "scalemix/cli/bench.h"
#include "scalemix/random/stream.h"
#include "scalemix/signal/gram.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kInputs = 784, kDepth = 20;

std::vector<double> rows_of(std::size_t rows) {
  const Stream stream{7, stream_id(Purpose::generate, 30), 0};
  std::vector<double> x(rows * kInputs);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = 2 * stream.uniform(i) - 1;
  return x;
}

/// Multiplications and additions of one triangle of the rows' products.
double product_flops(std::size_t rows) {
  const auto n = static_cast<double>(rows);
  return n * (n + 1) * static_cast<double>(kInputs);
}

/// Both kernels, into memory that nobody has touched: its pages are part of the time.
BenchRow gram(std::size_t rows, const BenchEffort& effort) {
  const std::vector<double> x = rows_of(rows);
  signal::GramOptions o;
  o.depth = kDepth;
  o.mu2 = 1 / 0.9;
  o.sigma_w2 = 2 / o.mu2;
  const Timing time = time_calls(effort, [&] {
    const std::unique_ptr<double[]> nngp(new double[rows * rows]), ntk(new double[rows * rows]);
    signal::gram(o, {x.data(), rows, kInputs}, {nngp.get(), ntk.get()});
  });
  const auto n = static_cast<double>(rows);
  return {.time = time,
          .items = n * (n + 1) / 2 * static_cast<double>(kDepth),
          .unit = "pair and layer",
          .bytes = sizeof(double) * n * (2 * n + static_cast<double>(kInputs)),
          .flops = product_flops(rows),
          .wide = true};
}

BenchRow syrk(std::size_t rows, const BenchEffort& effort) {
  const std::vector<double> x = rows_of(rows);
  std::vector<double> k(rows * rows);
  const int n = static_cast<int>(rows), d = static_cast<int>(kInputs);
  const Timing time = time_calls(effort, [&] {
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, n, d, 1.0, x.data(), d, 0.0, k.data(), n);
  });
  return {.time = time, .items = 1, .unit = "product", .flops = product_flops(rows), .wide = true};
}

}  // namespace

std::vector<BenchCase> bench_gram() {
  std::vector<BenchCase> out;
  for (const std::size_t rows : {std::size_t{512}, std::size_t{2048}}) {
    const std::string size = std::to_string(rows) + " x 784";
    out.push_back({"kernel", "dsyrk " + size,
                   [rows](const BenchEffort& effort) { return syrk(rows, effort); }});
    out.push_back({"kernel", "gram relu " + size + ", 20 layers",
                   [rows](const BenchEffort& effort) { return gram(rows, effort); }});
  }
  return out;
}

}  // namespace scalemix::inline v0::cli
