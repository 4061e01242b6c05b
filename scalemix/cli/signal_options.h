// What `scalemix signal` is asked, and the parts of its answer.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/model/signal_report.h"
#include "scalemix/signal/phase_diagram.h"

namespace scalemix::inline v0::cli {

struct SignalOptions {
  // A stack of layers alike.
  std::string activation, noise;
  bool additive = false;
  std::optional<std::size_t> depth;
  std::optional<double> sigma_w2, sigma_w, sigma_b2, sigma_b, residual;

  // Or a model.
  std::string model, data, input, init;
  std::vector<std::string> methods;
  std::size_t outputs = 10;

  double q0 = 1, c0 = 0;
  bool simulate = false;
  std::size_t width = 500, nets = 20, pairs = 4;
  std::uint64_t seed = 1;
  std::string phase_diagram, phase_w, phase_b, phase_p;
  int threads = 0;
  bool json = false, quiet = false;
};

/// The stack that the options name, and what to say about how sigma_w2 was chosen.
struct SignalChoice {
  model::SignalStack stack;
  std::optional<law::AnyLaw> law;
  std::string how;
};
/// Throws ConfigError and std::domain_error for options that cannot be.
SignalChoice signal_choice(const SignalOptions& o);

/// Theory beside simulation.
struct SignalCheck {
  signal::SimulateOptions options;
  signal::Simulated found;
  signal::Trajectory theory;
  std::optional<std::vector<signal::Scatter>> scatter;
};
SignalCheck signal_check(signal::SimulateOptions options, const SignalOptions& o);
void print_check(const SignalCheck& check, std::ostream& out);
nlohmann::ordered_json to_json(const SignalCheck& check);

/// Writes the grid to a .csv or .json file. Throws ConfigError for other names and bad ranges.
void write_phase_diagram(const SignalOptions& o, const signal::Network& net);

/// Six significant digits; "-" for nothing.
std::string cell(const std::optional<double>& value);

}  // namespace scalemix::inline v0::cli
