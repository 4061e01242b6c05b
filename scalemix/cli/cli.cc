#include <fmt/format.h>
#include <fmt/ostream.h>

#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/nearest.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/version.h"
#include "scalemix/kernel/target.h"

namespace scalemix::inline v0::cli {

#define SCALEMIX_COMMAND(function, name, summary) Action setup_##function(CLI::App& sub);
#define SCALEMIX_TORCH_COMMAND SCALEMIX_COMMAND
#include "scalemix/cli/commands.inc"
#undef SCALEMIX_COMMAND
#undef SCALEMIX_TORCH_COMMAND

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
#define SCALEMIX_COMMAND(function, name, summary) {name, summary, setup_##function},
#ifdef SCALEMIX_HAS_TORCH
#define SCALEMIX_TORCH_COMMAND SCALEMIX_COMMAND
#else
#define SCALEMIX_TORCH_COMMAND(function, name, summary)
#endif
#include "scalemix/cli/commands.inc"
#undef SCALEMIX_COMMAND
#undef SCALEMIX_TORCH_COMMAND
  };
  return table;
}

namespace {

int complain(int code, const char* what) {
  fmt::print(stderr, "scalemix: {}\n", what);
  return code;
}

/// Runs `action`; an error becomes a message and an exit code.
int guarded(const std::function<int()>& action) {
  try {
    return action();
  } catch (const DataError& error) {
    return complain(kBadData, error.what());
  } catch (const FileError& error) {
    return complain(error.missing ? kNoInput : kIo, error.what());
  } catch (const ConfigError& error) {
    return complain(kBadConfig, error.what());
  } catch (const Diverged& error) {
    return complain(kDiverged, error.what());
  } catch (const std::domain_error& error) {
    return complain(kBadConfig, error.what());
  } catch (const std::invalid_argument& error) {
    return complain(kBadData, error.what());
  } catch (const std::exception& error) {
    return complain(kInternal, error.what());
  }
}

/// A word that is neither a flag nor a subcommand: says what is nearest.
int usage_error(const CLI::App& app, const CLI::ParseError& error, int argc,
                const char* const* argv) {
  fmt::print(stderr, "scalemix: {}\n", error.what());
  std::vector<std::string> known;
  if (app.get_subcommands().empty()) {
    for (const Command& command : commands()) known.emplace_back(command.name);
    const std::string close = argc > 1 && argv[1][0] != '-' ? nearest(argv[1], known) : "";
    if (!close.empty()) fmt::print(stderr, "scalemix: did you mean 'scalemix {}'?\n", close);
  } else {
    const CLI::App* sub = app.get_subcommands().front();
    while (!sub->get_subcommands().empty()) sub = sub->get_subcommands().front();
    for (const CLI::Option* option : sub->get_options()) {
      for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    }
    for (const std::string& word : app.remaining(true)) {
      if (word.rfind("--", 0) != 0) continue;
      const std::string close = nearest(word.substr(0, word.find('=')), known);
      if (!close.empty()) fmt::print(stderr, "scalemix: did you mean {}?\n", close);
    }
    fmt::print(stderr, "scalemix: 'scalemix {} --help' lists the options\n", sub->get_name());
  }
  return kUsage;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out) {
  CLI::App app("scalemix: multiplicative noise in neural networks: understand, train, deploy",
               "scalemix");
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(32);
  bool version = false, json = false;
  app.add_flag("--version", version,
               "Print the version; with --json also SIMD target, libraries, threads");
  app.add_flag("--json", json, "Print --version as JSON");
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    actions.emplace_back(sub, command.setup(*sub));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    const CLI::App* sub = &app;
    std::string before;
    while (!sub->get_subcommands().empty()) {
      before += (before.empty() ? "" : " ") + sub->get_name();
      sub = sub->get_subcommands().front();
    }
    out << sub->help(before);
    return kSuccess;
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error, argc, argv);
  }
  if (const int failed = guarded([] {
        kernel::init_target();  // a bad SCALEMIX_TARGET is told before any work
        return int{kSuccess};
      })) {
    return failed;
  }
  if (version) return guarded([&] { return print_version(out, json); });
  for (const auto& [sub, action] : actions) {
    if (*sub)
      return guarded([&, &action = action] {
        const int code = action(out);
        if (!out.flush()) throw FileError("standard output", "cannot be written");
        return code;
      });
  }
  out << app.help();
  return kSuccess;
}

}  // namespace scalemix::inline v0::cli
