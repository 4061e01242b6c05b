#include <fmt/format.h>
#include <fmt/ostream.h>

#include <algorithm>
#include <filesystem>
#include <new>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/message.h"
#include "scalemix/base/printable.h"
#include "scalemix/base/signals.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/everywhere.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/help.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/version.h"
#include "scalemix/kernel/target.h"

namespace scalemix::inline v0::cli {

#define SCALEMIX_COMMAND(function, name, summary) Action setup_##function(CLI::App& sub);
#define SCALEMIX_TORCH_COMMAND SCALEMIX_COMMAND
#include "scalemix/cli/commands.inc"
#undef SCALEMIX_COMMAND

const std::vector<Command>& commands() {
  static const std::vector<Command> table = {
#define SCALEMIX_COMMAND(function, name, summary) {name, summary, setup_##function},
#include "scalemix/cli/commands.inc"
#undef SCALEMIX_COMMAND
  };
  return table;
}

namespace {

int complain(int code, const char* what) {
  message(fmt::format("scalemix: {}\n", shortened(printable(what, true), kMostMessage)));
  return code;
}

/// A file's error that a standard function threw: not there, or anything else.
int complain_of_system(const std::system_error& error, const std::string& what) {
  const bool missing = error.code() == std::errc::no_such_file_or_directory ||
                       error.code() == std::errc::not_a_directory;
  return complain(missing ? kNoInput : kIo, what.c_str());
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
  } catch (const std::filesystem::filesystem_error& error) {
    const std::string path = error.path1().string();  // names of files come first
    return complain_of_system(
        error, fmt::format("{}: {}", path.empty() ? "a file" : path, error.code().message()));
  } catch (const std::bad_alloc&) {
    return complain(kInternal, "there is not enough memory for this");
  } catch (const std::length_error&) {
    return complain(kInternal, "there is not enough memory for this");
  } catch (const std::exception& error) {
    return complain(kInternal, error.what());
  }
}

/// `code`, once all of `out` has arrived. Throws FileError if it has not.
int flushed(std::ostream& out, int code) {
  if (out.flush()) return code;
  end_if_output_is_unread();
  throw FileError("standard output", "cannot be written");
}

/// Prints a text that is all there is to do.
int printed(std::ostream& out, const std::string& text) {
  return guarded([&] {
    out << text;
    return flushed(out, kSuccess);
  });
}

/// The subcommand that the words lead to, and its name in full: "scalemix data list".
std::pair<const CLI::App*, std::string> chosen(const CLI::App& app) {
  const CLI::App* place = &app;
  std::string name = app.get_name();
  while (!place->get_subcommands().empty()) {
    place = place->get_subcommands().front();
    name += " " + place->get_name();
  }
  return {place, name};
}

/// "unknown option '--sampels', did you mean '--samples'?" for the first option that is none, else
/// for a subcommand that is none; nothing if all are known.
std::string unknown_word(const CLI::App& app, const CLI::App& place) {
  const std::vector<std::string> words = app.remaining(true);
  const auto option = std::find_if(words.begin(), words.end(), [](const std::string& word) {
    return word.size() > 1 && word[0] == '-';
  });
  std::vector<std::string> known;
  if (option != words.end()) {
    for (const CLI::Option* o : place.get_options()) {
      for (const std::string& name : o->get_lnames()) known.push_back("--" + name);
    }
    const std::string word = option->substr(0, option->find('='));
    return unknown_unlisted("option", word, known);
  }
  for (const CLI::App* sub : place.get_subcommands([](const CLI::App*) { return true; })) {
    known.push_back(sub->get_name());
  }
  if (words.empty() || known.empty()) return "";
  return unknown_unlisted("subcommand", words[0], known);
}

/// CLI11's message; "--data: 1 required FILE missing" and its kin in plain words.
std::string plain_words(const CLI::ParseError& error) {
  const std::string text = error.what();
  if (error.get_name() != "ArgumentMismatch") return text;
  return text.substr(0, text.find(": ")) + (text.ends_with(" missing")
                                                ? ": a value is missing"
                                                : ": expected one value, got several");
}

/// The words of the command line. "--out=" is an empty value, where CLI11 would take the next word.
std::vector<std::string> words_of(int argc, const char* const* argv) {
  std::vector<std::string> out(argv, argv + argc);
  for (std::size_t i = 1; i < out.size() && out[i] != "--"; ++i) {
    if (!out[i].starts_with("--") || out[i].find('=') != out[i].size() - 1) continue;
    out[i].pop_back();
    out.insert(out.begin() + static_cast<std::ptrdiff_t>(i) + 1, "");
  }
  return out;
}

int usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const auto [place, name] = chosen(app);
  const std::string unknown = unknown_word(app, *place);
  complain(kUsage, (unknown.empty() ? plain_words(error) : unknown).c_str());
  message(fmt::format("scalemix: see '{} --help'\n", name));
  return kUsage;
}

}  // namespace

int run(int argc, const char* const* argv, std::ostream& out) {
  CLI::App app("scalemix: multiplicative noise in neural networks: understand, train, deploy",
               "scalemix");
  app.require_subcommand(0, 1);
  app.formatter(help_formatter());
  bool version = false, json = false;
  app.add_flag("--version", version,
               "Print the version; with --json also SIMD target, libraries, threads");
  app.add_flag("--json", json, "Print --version as JSON");
  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const Command& command : commands()) {
    CLI::App* sub = app.add_subcommand(std::string(command.name), std::string(command.summary));
    actions.emplace_back(sub, command.setup(*sub));
  }
  Everywhere everywhere;
  add_everywhere(app, everywhere);
  try {
    const std::vector<std::string> words = words_of(argc, argv);
    std::vector<const char*> given;
    for (const std::string& word : words) given.push_back(word.c_str());
    app.parse(static_cast<int>(given.size()), given.data());
  } catch (const CLI::CallForHelp&) {
    const auto [place, name] = chosen(app);
    return printed(out, place->help(place == &app ? "" : name.substr(0, name.rfind(' '))));
  } catch (const CLI::ValidationError& error) {
    return complain(kBadConfig, error.what());
  } catch (const CLI::ParseError& error) {
    return usage_error(app, error);
  }
  if (const int failed = guarded([] {
        kernel::init_target();  // a bad SCALEMIX_TARGET is told before any work
        return int{kSuccess};
      })) {
    return failed;
  }
  set_warnings(!everywhere.quiet);
  use_threads(everywhere.threads);
  if (version) {
    return guarded([&] { return flushed(out, print_version(out, json)); });
  }
  for (const auto& [sub, action] : actions) {
    if (!*sub) continue;
    return guarded([&, &action = action] {
      check_paths(*chosen(app).first);
      return flushed(out, action(out));
    });
  }
  return printed(out, app.help());
}

}  // namespace scalemix::inline v0::cli
