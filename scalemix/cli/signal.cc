// scalemix signal --activation relu --noise bernoulli:p=0.1 --depth 30
// scalemix signal --model mlp:100x30 --method bernoulli:p=0.1 --init he
//
// How far a signal travels through a network at its start: layer by layer, in depth scales, and a
// verdict on the depth.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/signal_options.h"
#include "scalemix/cli/table.h"
#include "scalemix/data/dataset.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/method.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

constexpr std::uint64_t kMostDepth = 10000000, kMostWidth = 100000, kMostNets = 1000000;

/// "3,32,32" or "784".
model::Shape shape_of(const std::string& text) {
  model::Shape shape;
  const char *at = text.data(), *end = at + text.size();
  while (true) {
    std::size_t n = 0;
    const auto [stop, error] = std::from_chars(at, end, n);
    if (error != std::errc{} || n == 0 || (stop != end && *stop != ',')) break;
    shape.push_back(n);
    if (stop == end && (shape.size() == 1 || shape.size() == 3)) return shape;
    if (stop == end) break;
    at = stop + 1;
  }
  throw ConfigError(fmt::format("--input: expected N, or C,H,W for images, got '{}'", text));
}

model::Problem problem_of(const SignalOptions& o) {
  if (o.data.empty()) {
    return {shape_of(o.input.empty() ? "784" : o.input), Task::classification, o.outputs};
  }
  const data::Dataset data = data::open(o.data);
  const bool classes = data.task == Task::classification;
  return {data.shape, data.task, classes ? data.classes.size() : 1};
}

// ------------------------------------------------------------------------------ the answer

struct Answer {
  model::SignalReport report;
  std::string how;                                // how sigma_w2 came about
  std::optional<signal::SimulateOptions> layers;  // to simulate; empty: with the reason
  std::string no_simulation;
  signal::Network grid;  // what a phase diagram varies
};

Answer answer_of_stack(const SignalOptions& o) {
  const SignalChoice choice = signal_choice(o);
  const signal::Network& net = choice.stack.network;
  Answer a{model::signal_report(choice.stack), choice.how, {}, {}, net};
  signal::SimulatedLayer layer{.activation = net.activation,
                               .law = choice.law,
                               .additive = o.additive,
                               .sigma_w2 = net.sigma_w2,
                               .sigma_b2 = net.sigma_b2,
                               .branch = net.branch,
                               .width = o.width};
  a.layers.emplace();
  a.layers->layers = signal::stack(layer, choice.stack.depth);
  a.layers->inputs = o.width;
  a.layers->q0 = o.q0;
  a.layers->c0 = o.c0;
  return a;
}

Answer answer_of_model(const SignalOptions& o) {
  model::Spec spec = model::architecture(o.model, problem_of(o));
  for (const std::string& method : o.methods) model::apply_method(spec, method);
  const model::InitialPlan plan = model::initial_weights(spec, o.init.empty() ? "auto" : o.init);
  const model::SignalStart start{o.q0, o.c0};
  Answer a{model::signal_report(spec, plan, start),
           fmt::format("initial weights: {}{}", plan.word,
                       plan.word == o.init || o.init.empty() ? "" : " (" + o.init + ")"),
           {},
           {},
           {signal::Activation::parse("relu")}};
  model::SignalSimulation simulation = model::simulation_of(spec, plan, start);
  a.layers = std::move(simulation.options);
  a.no_simulation = std::move(simulation.reason);
  if (a.report.network) a.grid = *a.report.network;
  return a;
}

// ------------------------------------------------------------------------------ for people

void print_layers(const model::SignalReport& r, std::ostream& out) {
  Table table({"layer", "activation", "noise", "fan-in", "sigma_w2", "q", "c", "gradient", "one",
               "correlation", "variance", "xi_q", "xi_c", "xi_1"});
  for (const model::SignalLayer& l : r.layers) {
    const auto scales = l.scales();
    const auto slope = [&](double signal::Slopes::*member) {
      return cell(l.slopes ? std::optional((*l.slopes).*member) : std::nullopt);
    };
    const auto scale = [&](double signal::DepthScales::*member) {
      return cell(scales ? std::optional((*scales).*member) : std::nullopt);
    };
    table.add({l.name, l.activation.empty() ? "-" : l.activation, l.noise.empty() ? "-" : l.noise,
               cell(l.fan_in), cell(l.sigma_w2), cell(l.q), cell(l.c),
               l.slopes ? slope(&signal::Slopes::gradient) : cell(l.gradient),
               slope(&signal::Slopes::one), slope(&signal::Slopes::correlation),
               slope(&signal::Slopes::variance), scale(&signal::DepthScales::variance),
               scale(&signal::DepthScales::correlation), scale(&signal::DepthScales::gradient)});
  }
  table.print(out);
  if (r.listed > r.layers.size()) {
    out << fmt::format("{} of {} layers\n", r.layers.size(), r.listed);
  }
}

/// Each note once, with the layers it is about: "conv1, conv2 and 12 more: ...".
void print_notes(const model::SignalReport& r, std::ostream& out) {
  std::vector<std::pair<std::string, std::vector<std::string>>> notes;
  for (const model::SignalLayer& l : r.layers) {
    for (const std::string& note : l.notes) {
      auto known =
          std::find_if(notes.begin(), notes.end(), [&](auto& n) { return n.first == note; });
      if (known == notes.end()) known = notes.insert(notes.end(), {note, {}});
      known->second.push_back(l.name);
    }
  }
  constexpr std::size_t kNamed = 3;
  for (const auto& [note, layers] : notes) {
    const auto end = layers.begin() + static_cast<std::ptrdiff_t>(std::min(layers.size(), kNamed));
    const std::string more =
        layers.size() > kNamed ? fmt::format(" and {} more", layers.size() - kNamed) : "";
    out << fmt::format("{}{}: {}\n", fmt::join(layers.begin(), end, ", "), more, note);
  }
}

std::string point_text(const signal::FixedPoint& p) {
  if (p.kind == signal::Fixed::point) return cell(p.value);
  return p.reason.empty() ? std::string(signal::name(p.kind)) : p.reason;
}

std::string critical_text(const signal::Critical& c) {
  if (!c.sigma_w2) return "none: " + c.reason;
  return cell(c.sigma_w2) + (c.reason.empty() ? "" : " (" + c.reason + ")");
}

void print_fixed(const model::SignalReport& r, std::ostream& out) {
  if (!r.fixed) return;
  out << fmt::format("\nq*                  {}\nc*                  {}\n", point_text(r.fixed->q),
                     point_text(r.fixed->c));
  if (r.fixed->slopes) {
    const signal::Slopes& s = *r.fixed->slopes;
    const signal::DepthScales& x = *r.fixed->scales;
    Table table({"slope", "at q*, c*", "depth scale", ""});
    table.add({"gradient", cell(s.gradient), "xi_1", cell(x.gradient)});
    table.add({"one", cell(s.one), "", cell(x.one)});
    table.add({"correlation", cell(s.correlation), "xi_c", cell(x.correlation)});
    table.add({"variance", cell(s.variance), "xi_q", cell(x.variance)});
    table.print(out);
  }
  out << fmt::format("critical sigma_w2   {}\n", critical_text(r.critical));
}

void print_range(const model::SignalReport& r, std::ostream& out) {
  using End = signal::RangeDepth::End;
  if (r.range.end == End::stays) {
    out << fmt::format("\nfloat32             holds the variance at every depth: {}\n",
                       r.range.reason);
  } else {
    out << fmt::format("\nfloat32             the variance {} after {:.6g} layers\n",
                       r.range.end == End::overflows ? "overflows" : "underflows", r.range.layers);
  }
}

void print_report(const Answer& a, std::ostream& out) {
  const model::SignalReport& r = a.report;
  if (!a.how.empty()) out << a.how << "\n\n";
  print_layers(r, out);
  print_notes(r, out);
  print_fixed(r, out);
  print_range(r, out);
  for (const model::SignalRule& rule : r.rules) {
    out << fmt::format("{:<20}{} layers, {}\n                    {}\n", rule.name,
                       cell(rule.layers), rule.met ? "enough" : "too few", rule.validity);
  }
}

int run(const SignalOptions& o, std::ostream& out) {
  use_threads(o.threads);
  const bool stack = !o.activation.empty();
  if (stack == !o.model.empty()) {
    throw ConfigError("signal: give either --activation and --depth, or --model");
  }
  if (stack && !o.depth && o.phase_diagram.empty()) {
    throw ConfigError("signal: --activation needs --depth too");
  }
  const Answer a = stack ? answer_of_stack(o) : answer_of_model(o);
  std::optional<SignalCheck> check;
  if (o.simulate) {
    if (!a.layers) throw ConfigError("--simulate: " + a.no_simulation);
    check = signal_check(*a.layers, o);
  }
  if (!o.phase_diagram.empty()) {
    if (!stack && !a.report.network) {
      throw ConfigError(
          "--phase-diagram: the layers of this model are not alike; use --activation");
    }
    write_phase_diagram(o, a.grid);
    if (stack && !o.depth) {  // the grid alone was asked for
      out << "wrote " << o.phase_diagram << '\n';
      return kSuccess;
    }
  }
  if (o.json) {
    ordered_json json = model::to_json(a.report);
    json["how"] = a.how;
    if (check) json["simulation"] = to_json(*check);
    out << json.dump(2) << '\n';
    return kSuccess;
  }
  if (!o.quiet) print_report(a, out);
  if (check && !o.quiet) print_check(*check, out);
  if (!o.quiet) out << '\n';
  for (const std::string& sentence : a.report.verdict) out << sentence << '\n';
  return kSuccess;
}

// ------------------------------------------------------------------------------ options

void add_network_options(CLI::App& sub, SignalOptions& o) {
  sub.add_option("--activation", o.activation, "Equal layers: their activation, relu, tanh, ...");
  sub.add_option("--noise", o.noise, "Their noise: bernoulli:p=0.1, ... (default: none)")
      ->type_name("LAW");
  sub.add_flag("--additive", o.additive, "Noise is added, not multiplied");
  sub.add_option("--depth", o.depth, "Number of layers")
      ->type_name("L")
      ->transform(whole_number(kMostDepth));
  auto* w2 = sub.add_option("--sigma-w2", o.sigma_w2,
                            "fan-in times the variance of a weight; default: the critical one");
  sub.add_option("--sigma-w", o.sigma_w, "Its square root")->excludes(w2);
  auto* b2 = sub.add_option("--sigma-b2", o.sigma_b2, "Variance of a bias; default: 0");
  sub.add_option("--sigma-b", o.sigma_b, "Its square root")->excludes(b2);
  sub.add_option("--residual", o.residual, "Skip connections, branches scaled by A")
      ->type_name("A");
}

void add_model_way(CLI::App& sub, SignalOptions& o) {
  sub.add_option("--model", o.model, "Instead, a model: mlp:100x30, lenet5, a JSON file")
      ->type_name("ARCH|FILE");
  sub.add_option("--method", o.methods, "Its noise (repeatable)")->type_name("METHOD");
  sub.add_option("--init", o.init, "Its initial weights, as in train; default: auto")
      ->type_name("WORD");
  auto* data = sub.add_option("--data", o.data, "Data whose shape the model is for")
                   ->type_name("NAME|FILE|FOLDER");
  sub.add_option("--input", o.input, "Its input instead, N or C,H,W; default: 784")->excludes(data);
  sub.add_option("--outputs", o.outputs, "Its outputs")
      ->type_name("N")
      ->transform(whole_number(kMostWidth))
      ->capture_default_str()
      ->excludes(data);
}

void add_check_options(CLI::App& sub, SignalOptions& o) {
  sub.add_option("--q0", o.q0, "Variance of the input")->capture_default_str();
  sub.add_option("--c0", o.c0, "Correlation of two inputs")->capture_default_str();
  sub.add_flag("--simulate", o.simulate, "Compare random networks with the theory");
  sub.add_option("--width", o.width, "Units of a simulated layer (--activation)")
      ->type_name("N")
      ->transform(whole_number(kMostWidth))
      ->capture_default_str();
  sub.add_option("--nets", o.nets, "Simulated networks")
      ->type_name("N")
      ->transform(whole_number(kMostNets))
      ->capture_default_str();
  sub.add_option("--pairs", o.pairs, "Pairs of inputs in each")
      ->type_name("N")
      ->transform(whole_number(kMostNets))
      ->capture_default_str();
  sub.add_option("--seed", o.seed, "Seed of the simulation")
      ->type_name("S")
      ->transform(whole_number(std::numeric_limits<std::uint64_t>::max()))
      ->capture_default_str();
}

void add_phase_options(CLI::App& sub, SignalOptions& o) {
  writes(sub.add_option("--phase-diagram", o.phase_diagram,
                        "Write fixed points and scales over a grid"))
      ->type_name("FILE.csv|FILE.json|FILE.svg");
  sub.add_option("--phase-w", o.phase_w, "Its sigma_w2; default: 0.1:4:40")->type_name("LO:HI:N");
  sub.add_option("--phase-b", o.phase_b, "Its sigma_b2; default: 0:0.2:11")->type_name("LO:HI:N");
  sub.add_option("--phase-p", o.phase_p, "Dropout's p instead of sigma_b2")->type_name("LO:HI:N");
}

}  // namespace

std::string cell(const std::optional<double>& value) {
  if (!value) return "-";
  return std::isinf(*value) ? "inf" : fmt::format("{:.6g}", *value);
}

Action setup_signal(CLI::App& sub) {
  auto o = std::make_shared<SignalOptions>();
  add_network_options(sub, *o);
  add_model_way(sub, *o);
  add_check_options(sub, *o);
  add_phase_options(sub, *o);
  add_threads_option(sub, o->threads);
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "Print only the verdict");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
