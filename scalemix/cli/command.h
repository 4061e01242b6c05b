// A subcommand: one file, one row in commands.inc.
//
// `setup` declares the options on `sub` and returns the action to run once they are parsed. The
// action writes results to `out` and messages to standard error; its value is the exit status.
// Errors are thrown; main() turns each kind into its exit code (exit_code.h).
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <iosfwd>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::cli {

using Action = std::function<int(std::ostream& out)>;

struct Command {
  std::string_view name;
  std::string_view summary;  // one line, shown by `scalemix --help`
  Action (*setup)(CLI::App& sub);
};

/// The table, in the order of the help text.
const std::vector<Command>& commands();

/// Parses and runs; returns the exit status. Results go to `out`, everything else to standard
/// error.
int run(int argc, const char* const* argv, std::ostream& out);

}  // namespace scalemix::inline v0::cli
