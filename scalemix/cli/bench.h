// Speed measurements: what `scalemix bench` runs, a row each.
#pragma once

#include <cstddef>
#include <functional>
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

/// Seconds a call: the median over repeats, and the spread: half the distance between the
/// quartiles.
struct Timing {
  double median = 0, spread = 0;
};

/// Calls once to warm up, then measures.
Timing time_calls(const BenchEffort& effort, const std::function<void()>& call);

struct BenchRow {
  std::string group, name;  // "noise", "bernoulli"
  Timing time;
  double items = 0;  // per call: what `unit` counts
  std::string unit;  // "element", "row", "step"
  double bytes = 0;  // per call, read and written at least; 0: not bound by memory
  double flops = 0;  // per call; 0: not counted
};

/// One kind of measurement.
struct BenchSource {
  std::string_view group;
  std::vector<BenchRow> (*measure)(const BenchEffort& effort);
};

/// All sources, in the order of the table; those that train only where LibTorch is.
const std::vector<BenchSource>& bench_sources();

std::vector<BenchRow> bench_memory(const BenchEffort& effort);  // the floor: a copy
std::vector<BenchRow> bench_kernels(
    const BenchEffort& effort);  // noise, weight terms, optimiser, product
std::vector<BenchRow> bench_predict(
    const BenchEffort& effort);  // mlp:300-100, deterministic and Monte-Carlo

std::vector<BenchRow> bench_train(const BenchEffort& effort);  // with LibTorch: whole steps

}  // namespace scalemix::inline v0::cli
