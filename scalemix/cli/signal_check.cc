// `scalemix signal --simulate`: theory beside random networks.

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/cli/signal_options.h"
#include "scalemix/cli/table.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

/// One layer's comparison; empty where there is nothing to compare.
struct Compared {
  std::size_t layer;
  std::optional<double> theory_q, found_q, q_ratio, q_tolerance;  // ratio: exp of ln q's difference
  std::optional<double> theory_c, found_c, c_tolerance;
  std::optional<bool> q_inside, c_inside;
  std::size_t overflowed, underflowed;
};

Compared compare(const SignalCheck& check, std::size_t layer) {
  const signal::SimulatedForward& f = check.found.layers[layer];
  Compared out{};
  out.layer = layer;
  out.overflowed = f.overflowed;
  out.underflowed = f.underflowed;
  out.found_q = f.q1.mean;
  if (f.c) out.found_c = f.c->mean;
  if (layer >= check.theory.layers.size()) return out;
  const signal::Pair& theory = check.theory.layers[layer];
  out.theory_q = theory.q1;
  out.theory_c = theory.c;
  if (f.log_q && theory.q1 > 0) out.q_ratio = std::exp(f.log_q->mean - std::log(theory.q1));
  if (!check.scatter || layer >= check.scatter->size()) return out;
  const signal::Tolerance t = signal::tolerance((*check.scatter)[layer], check.options.nets);
  out.q_tolerance = std::expm1(t.log_q);
  out.c_tolerance = t.c;
  const bool in_range = f.overflowed == 0 && f.underflowed == 0;
  if (out.q_ratio && in_range) out.q_inside = std::abs(std::log(*out.q_ratio)) <= t.log_q;
  if (f.c && in_range) out.c_inside = std::abs(f.c->mean - theory.c) <= t.c;
  return out;
}

std::vector<Compared> compared(const SignalCheck& check) {
  std::vector<Compared> out;
  for (std::size_t layer = 0; layer < check.found.layers.size(); ++layer) {
    out.push_back(compare(check, layer));
  }
  return out;
}

std::string yes_no(const std::optional<bool>& inside) {
  return !inside ? "-" : *inside ? "yes" : "no";
}

std::string end_note(const Compared& c) {
  if (c.overflowed) return fmt::format("{} rows overflowed", c.overflowed);
  return c.underflowed ? fmt::format("{} rows are 0", c.underflowed) : "";
}

ordered_json number(const std::optional<double>& value) {
  if (!value) return nullptr;
  return std::isinf(*value) ? ordered_json("inf") : ordered_json(*value);
}
ordered_json truth(const std::optional<bool>& value) {
  return value ? ordered_json(*value) : ordered_json(nullptr);
}

}  // namespace

SignalCheck signal_check(signal::SimulateOptions options, const SignalOptions& o) {
  options.nets = o.nets;
  options.pairs = o.pairs;
  options.seed = o.seed;
  SignalCheck check{options, signal::simulate(options), signal::expected(options),
                    signal::scatter(options)};
  return check;
}

void print_check(const SignalCheck& check, std::ostream& out) {
  const signal::SimulateOptions& o = check.options;
  out << fmt::format("\n{} random networks, {} pairs of inputs each, seed {}\n", o.nets, o.pairs,
                     o.seed);
  Table table({"layer", "q theory", "q found", "typical q / theory", "tolerance", "inside",
               "c theory", "c found", "tolerance", "inside", ""});
  std::size_t outside = 0, judged = 0;
  for (const Compared& c : compared(check)) {
    table.add({fmt::format("{}", c.layer), cell(c.theory_q), cell(c.found_q), cell(c.q_ratio),
               cell(c.q_tolerance), yes_no(c.q_inside), cell(c.theory_c), cell(c.found_c),
               cell(c.c_tolerance), yes_no(c.c_inside), end_note(c)});
    for (const auto& inside : {c.q_inside, c.c_inside}) {
      judged += inside.has_value();
      outside += inside && !*inside;
    }
  }
  table.print(out);
  if (!check.theory.ended.empty()) out << "theory ends: " << check.theory.ended << '\n';
  if (judged == 0) {
    out << "no tolerance is known for this network: networks with branches or without a fourth "
           "moment\n";
  } else {
    out << fmt::format("{} of {} numbers are outside their tolerance of finite width\n", outside,
                       judged);
  }
}

ordered_json to_json(const SignalCheck& check) {
  ordered_json layers = ordered_json::array();
  for (const Compared& c : compared(check)) {
    layers.push_back({{"layer", c.layer},
                      {"q_theory", number(c.theory_q)},
                      {"q", number(c.found_q)},
                      {"typical_q_over_theory", number(c.q_ratio)},
                      {"q_tolerance", number(c.q_tolerance)},
                      {"q_inside", truth(c.q_inside)},
                      {"c_theory", number(c.theory_c)},
                      {"c", number(c.found_c)},
                      {"c_tolerance", number(c.c_tolerance)},
                      {"c_inside", truth(c.c_inside)},
                      {"overflowed", c.overflowed},
                      {"underflowed", c.underflowed}});
  }
  return {{"nets", check.options.nets},
          {"pairs", check.options.pairs},
          {"seed", check.options.seed},
          {"ended", check.theory.ended},
          {"layers", layers}};
}

}  // namespace scalemix::inline v0::cli
