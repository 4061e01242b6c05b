// scalemix bench [--quick] [--only TEXT | --model ARCH ...] [--size N,N] [--threads N,N]
//
// Speed of kernels, prediction and training steps, beside what limits them, measured in the same
// run: how fast this machine copies memory and multiplies matrices.

#include "scalemix/cli/bench.h"

#include <sys/resource.h>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/message.h"
#include "scalemix/base/name_list.h"
#include "scalemix/base/parallel.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/table.h"
#include "scalemix/kernel/target.h"
#include "scalemix/random/stream.h"
#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t kMost = 1'000'000;    // rows of a batch, replicas
constexpr std::uint64_t kLargest = 1u << 28;  // elements: a GiB an array

struct BenchOptions {
  bool quick = false, json = false, quiet = false;
  std::vector<std::string> only;
  std::vector<std::size_t> sizes;
  TrainStep step{"glyphs", "", "svdo"};
  std::vector<int> threads = {0};
};

double seconds_of(const std::function<void()>& call, std::size_t calls) {
  const auto begin = Clock::now();
  for (std::size_t i = 0; i < calls; ++i) call();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// What the machine can do with as many threads: bytes per second of the copy, flops per second of the
/// product; 0 where they were not measured.
struct Limits {
  double bandwidth = 0, product_rate = 0;

  Limits(const std::vector<BenchRow>& rows, int threads) {
    for (const BenchRow& row : rows) {
      if (row.threads != threads) continue;
      if (row.group == "memory") bandwidth = row.bytes / row.time.median;
      if (row.group == "product") product_rate = row.flops / row.time.median;
    }
  }
};

ordered_json to_json(const BenchRow& row, const Limits& limits) {
  ordered_json out = {
      {"group", row.group},        {"name", row.name},
      {"threads", row.threads},    {"seconds", row.time.median},
      {"spread", row.time.spread}, {"items", row.items},
      {"unit", row.unit},          {"ns_per_item", 1e9 * row.time.median / row.items}};
  if (row.bytes > 0) {
    out["gb_per_s"] = row.bytes / row.time.median / 1e9;
    if (limits.bandwidth > 0) {
      out["share_of_memory_floor"] = row.bytes / row.time.median / limits.bandwidth;
    }
  }
  if (row.flops > 0) {
    out["gflops"] = row.flops / row.time.median / 1e9;
    if (limits.product_rate > 0 && !row.wide) {
      out["share_of_product_rate"] = row.flops / row.time.median / limits.product_rate;
    }
  }
  return out;
}

std::string share(double part, double whole) {
  return part > 0 && whole > 0 ? fmt::format("{:.0f}", 100 * part / whole) : "-";
}

void print_table(const std::vector<BenchRow>& rows, std::ostream& out) {
  Table table({"what", "threads", "time", "+-", "ns/item", "item", "GB/s", "% of copy", "GFLOPS",
               "% of product"});
  for (const BenchRow& row : rows) {
    const double t = row.time.median;
    const Limits limits(rows, row.threads);
    table.add({row.group + " " + row.name, fmt::format("{}", row.threads),
               fmt::format("{:.1f} us", 1e6 * t),
               fmt::format("{:.1f} %", 100 * row.time.spread / t),
               fmt::format("{:.3g}", 1e9 * t / row.items), row.unit,
               row.bytes > 0 ? fmt::format("{:.1f}", row.bytes / t / 1e9) : "-",
               share(row.bytes / t, limits.bandwidth),
               row.flops > 0 ? fmt::format("{:.1f}", row.flops / t / 1e9) : "-",
               row.wide ? "-" : share(row.flops / t, limits.product_rate)});
  }
  table.print(out);
}

/// The floors, and the cases whose group and name hold one of the texts (all without a text).
std::vector<BenchCase> cases_with(const std::vector<std::string>& only,
                                  const std::vector<std::size_t>& sizes) {
  std::vector<BenchCase> out;
  std::vector<std::string> names;
  bool found = only.empty();
  for (BenchCase& c : bench_cases(sizes)) {
    const std::string name = c.group + " " + c.name;
    const bool wanted = std::any_of(only.begin(), only.end(), [&](const std::string& text) {
      return name.find(text) != std::string::npos;
    });
    found |= wanted;
    names.push_back(name);
    const bool floor = c.group == "memory" || c.group == "product";
    if (wanted || only.empty() || floor) out.push_back(std::move(c));
  }
  if (!found) {
    throw ConfigError(fmt::format("--only: no measurement has {} in its name (known: {})",
                                  name_list(only), name_list(names)));
  }
  return out;
}

/// The largest memory the process has had, in MiB.
double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

std::vector<BenchCase> chosen(const BenchOptions& o) {
  if (!o.step.model.empty()) {
    // Without the copy, whose arrays would be the peak of memory.
    std::vector<BenchCase> cases = bench_floors();
    std::erase_if(cases, [](const BenchCase& c) { return c.group == "memory"; });
    cases.push_back(bench_train(o.step));
    return cases;
  }
  return cases_with(o.only, o.sizes);
}

void measure(const BenchOptions& o, const BenchEffort& effort, std::vector<BenchRow>& rows) {
  for (const BenchCase& c : chosen(o)) {
    if (!o.quiet) {
      message(fmt::format("scalemix: measuring {} {}, {} threads\n", c.group, c.name, threads()));
    }
    BenchRow row = c.measure(effort);
    row.group = c.group;
    row.name = c.name;
    row.threads = threads();
    rows.push_back(std::move(row));
  }
}

int run(const BenchOptions& o, std::ostream& out) {
  kernel::init_target();
  const BenchEffort effort = o.quick ? BenchEffort{0.003, 3} : BenchEffort{};
  std::vector<BenchRow> rows;
  const int all = threads();
  for (const int number : o.threads) {
    set_threads(number > 0 ? number : all);
    measure(o, effort, rows);
  }
  if (o.json) {
    ordered_json json = {{"simd_target", kernel::active_target()},
                         {"repeats", effort.repeats},
                         {"peak_memory_mib", peak_memory()}};
    json["rows"] = ordered_json::array();
    for (const BenchRow& row : rows) {
      json["rows"].push_back(to_json(row, Limits(rows, row.threads)));
    }
    out << json.dump(2) << '\n';
  } else {
    out << fmt::format(
        "SIMD {}; median of {} repeats, +- half the distance between the quartiles\n",
        kernel::active_target(), effort.repeats);
    print_table(rows, out);
  }
  return kSuccess;
}

}  // namespace

std::vector<float> bench_uniforms(std::size_t n, std::uint32_t number, double lo, double hi) {
  const Stream stream{7, stream_id(Purpose::generate, number), 0};
  std::vector<float> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    out[i] = static_cast<float>(lo + (hi - lo) * stream.uniform(i));
  }
  return out;
}

Timing time_calls(const BenchEffort& effort, const std::function<void()>& call) {
  call();
  const double once = std::max(seconds_of(call, 1), 1e-9);
  const auto calls = static_cast<std::size_t>(std::max(1.0, effort.seconds / once));
  std::vector<double> times;
  for (int r = 0; r < effort.repeats; ++r) {
    times.push_back(seconds_of(call, calls) / static_cast<double>(calls));
  }
  std::sort(times.begin(), times.end());
  const std::size_t n = times.size();
  return {times[n / 2], (times[(3 * n) / 4] - times[n / 4]) / 2, times.front()};
}

std::vector<BenchCase> bench_cases(const std::vector<std::size_t>& sizes) {
  std::vector<BenchCase> out = bench_floors();
  const auto take = [&](std::vector<BenchCase> more) {
    for (BenchCase& c : more) out.push_back(std::move(c));
  };
  for (const std::size_t size : sizes) take(bench_kernels(size));
  if (!sizes.empty()) return out;
  take(bench_kernels(0));
  take(bench_gram());
  take(bench_data());
  take(bench_predict());
  take(bench_products());
  take(bench_sparse());
  take(bench_train());
  return out;
}

Action setup_bench(CLI::App& sub) {
  auto o = std::make_shared<BenchOptions>();
  sub.add_flag("--quick", o->quick, "Short timings, for a first look");
  sub.add_option("--only", o->only, "Only what has TEXT in its name, and the copy (repeatable)")
      ->type_name("TEXT")
      ->expected(1)
      ->take_all();
  CLI::Option* size =
      sub.add_option("--size", o->sizes, "Only kernels, with N elements (a list: with each N)");
  size->type_name("N,...")->delimiter(',')->transform(whole_number(kLargest));
  size->check(CLI::PositiveNumber);
  sub.add_option("--model", o->step.model, "Instead, a training step of this architecture")
      ->type_name("ARCH|FILE")
      ->excludes("--only")
      ->excludes("--size");
  sub.add_option("--method", o->step.method, "Its noise (default: svdo)")
      ->type_name("METHOD")
      ->needs("--model");
  sub.add_option("--data", o->step.data, "What it learns from (default: glyphs)")
      ->type_name("NAME|FILE|FOLDER")
      ->needs("--model");
  sub.add_option("--batch", o->step.batch, "Rows per step (0: as train chooses)")
      ->type_name("N")
      ->transform(whole_number(kMost))
      ->needs("--model");
  sub.add_option("--replicas", o->step.replicas, "Replicas in the stack")
      ->type_name("N")
      ->transform(whole_number(kMost))
      ->needs("--model");
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No messages but errors");
  sub.add_option("--threads", o->threads, "Threads; 0: all cores (a list: with each N)")
      ->type_name("N,...")
      ->delimiter(',')
      ->transform(whole_number(run::kMostThreads))
      ->capture_default_str();
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
