// Flags that every command takes, whether it has a use for them or not, so that a script can give them always.
// --json, which all have, is each command's own.
#pragma once

#include <CLI/CLI.hpp>

namespace scalemix::inline v0::cli {

struct Everywhere {
  bool quiet = false;
  int threads = 0;
};

/// --quiet and --threads, to each command below `app` that has none of its own.
void add_everywhere(CLI::App& app, Everywhere& flags);

}  // namespace scalemix::inline v0::cli
