// Speed measurements: what `scalemix bench` runs, one row each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::cli {

/// How long and how often. A measurement is `repeats` timings, each of as many calls as fill
/// `seconds`.
struct BenchEffort {
  double seconds = 0.05;
  int repeats = 7;
};

/// Seconds a call: the median over repeats, the spread (half the distance between the quartiles)
/// and the least.
struct Timing {
  double median = 0, spread = 0, least = 0;
};

/// Calls once to warm up, then measures.
Timing time_calls(const BenchEffort& effort, const std::function<void()>& call);

/// n numbers spread over [lo, hi); another `number` gives others.
std::vector<float> bench_uniforms(std::size_t n, std::uint32_t number, double lo = -1,
                                  double hi = 1);

struct BenchRow {
  Timing time;
  double items = 0;   // per call: what `unit` counts
  std::string unit;   // "element", "row", "step"
  double bytes = 0;   // per call, read and written at least; 0: not bound by memory
  double flops = 0;   // per call; 0: not counted
  bool wide = false;  // flops are in double, and the floor's in float
  std::string group = {}, name = {};
  int threads = 1;
};

/// One row that can be measured; making it costs nothing.
struct BenchCase {
  std::string group, name;
  std::function<BenchRow(const BenchEffort& effort)> measure;  // fills in all but group and name
};

/// A training step to measure, in the words of `train`.
struct TrainStep {
  std::string data, model, method;
  int batch = 0, replicas = 1;  // batch 0: the one train would take
  double zeros = 0;             // share of the weights that are held at zero
};

/// All cases, in the order of the table: the floors first.
/// With sizes the floors, and the kernels at each of them.
std::vector<BenchCase> bench_cases(const std::vector<std::size_t>& sizes = {});

std::vector<BenchCase> bench_floors();  // what limits the rest: a copy, a large product
/// Noise, weight terms, optimiser; products where `elements` is 0, which stands for a million
/// elements and a hundred thousand weights.
std::vector<BenchCase> bench_kernels(std::size_t elements);
std::vector<BenchCase> bench_gram();      // NNGP and NTK of a wide network, the product beneath
std::vector<BenchCase> bench_data();      // a table of text
std::vector<BenchCase> bench_predict();   // mlp:300-100, deterministic and Monte-Carlo
std::vector<BenchCase> bench_products();  // a row's, those of sparse data, all of a training step

std::vector<BenchCase> bench_sparse();  // weights of which most are zero, at 1, 16 and 128 rows
std::vector<BenchCase> bench_train();   // whole training steps
BenchCase bench_train(const TrainStep& step);

}  // namespace scalemix::inline v0::cli
