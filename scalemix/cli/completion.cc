// scalemix completion bash|zsh|fish
//
// A completion script made from the command's own options, so it never lags behind them:
//
//   bash   source <(scalemix completion bash)
//   zsh    scalemix completion zsh > ~/.zfunc/_scalemix        (a folder of $fpath)
//   fish   scalemix completion fish > ~/.config/fish/completions/scalemix.fish

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/names.h"
#include "scalemix/cli/options.h"

namespace scalemix::inline v0::cli {
namespace {

using Words = std::vector<std::string>;

/// What an option or argument may be: words, files, or neither.
struct Values {
  Words words;
  bool files = false;
};

/// The command itself ("") or a subcommand ("/data/list"): what may follow it.
struct Place {
  std::string path;
  const CLI::App* app;
  Words flags, subcommands;
  Values arguments;
};

std::vector<const CLI::App*> subcommands_of(const CLI::App* app) {
  return app->get_subcommands([](const CLI::App*) { return true; });
}

bool takes_value(const CLI::Option* option) { return option->get_items_expected_max() > 0; }

/// A word in lower case stands for itself.
bool literal(const std::string& word) {
  return std::islower(static_cast<unsigned char>(word[0])) &&
         std::none_of(word.begin(), word.end(), [](unsigned char c) { return std::isupper(c); });
}

/// What "ARCH|FILE" or "auto|yes|no" stands for.
Values values_of(const CLI::Option* option) {
  static const std::map<std::string, std::string> tables = {{"NAME", "data"},
                                                            {"METHOD", "methods"},
                                                            {"ARCH", "architectures"},
                                                            {"LAW", "laws"},
                                                            {"PRIOR", "priors"}};
  static const std::set<std::string> paths = {"FILE", "FOLDER", "MODEL", "RUN"};
  Values out;
  for (const std::string& part : CLI::detail::split(option->get_type_name(), '|')) {
    const auto table = tables.find(part);
    if (table != tables.end()) {
      const Words names = names_of(table->second);
      out.words.insert(out.words.end(), names.begin(), names.end());
    } else if (literal(part)) {
      out.words.push_back(part);
    }
    out.files |= paths.count(part) > 0;
  }
  return out;
}

void gather(const CLI::App* app, const std::string& path, std::vector<Place>& out) {
  Place place{path, app, {}, {}, {}};
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) place.flags.push_back("--" + name);
    if (!option->get_positional()) continue;
    const Values values = values_of(option);
    place.arguments.words.insert(place.arguments.words.end(), values.words.begin(),
                                 values.words.end());
    place.arguments.files |= values.files;
  }
  const auto subs = subcommands_of(app);
  for (const CLI::App* sub : subs) place.subcommands.push_back(sub->get_name());
  out.push_back(std::move(place));
  for (const CLI::App* sub : subs) gather(sub, path + "/" + sub->get_name(), out);
}

/// The flags that take a value; a flag means the same in every subcommand.
std::map<std::string, Values> flag_values(const std::vector<Place>& places) {
  std::map<std::string, Values> out;
  for (const Place& place : places) {
    for (const CLI::Option* option : place.app->get_options()) {
      if (!takes_value(option)) continue;
      for (const std::string& name : option->get_lnames()) out["--" + name] = values_of(option);
    }
  }
  return out;
}

std::string paths_pattern(const std::vector<Place>& places) {
  Words paths;
  for (std::size_t i = 1; i < places.size(); ++i) paths.push_back(places[i].path);
  return fmt::format("{}", fmt::join(paths, "|"));
}

std::string all_words(const Place& place) {
  Words words = place.subcommands;
  words.insert(words.end(), place.arguments.words.begin(), place.arguments.words.end());
  words.insert(words.end(), place.flags.begin(), place.flags.end());
  return fmt::format("{}", fmt::join(words, " "));
}

std::string bash(const std::vector<Place>& places) {
  std::string out = R"(# bash completion for scalemix
_scalemix() {
  local line=${COMP_LINE:0:COMP_POINT} at= word words=() reply= files=
  local cur=${line##*[[:space:]]}
  read -ra words <<<"${line:0:$((${#line} - ${#cur}))}"
  for word in "${words[@]:1}"; do
    case "$at/$word" in
      )" + paths_pattern(places) +
                    R"() at="$at/$word" ;;
    esac
  done
  local flag=${words[${#words[@]} - 1]}
  [[ $cur == --*=* ]] && flag=${cur%%=*} cur=${cur#*=}
  case "$flag" in
)";
  for (const auto& [flag, values] : flag_values(places)) {
    out += fmt::format("    {}) reply=\"{}\"{} ;;\n", flag, fmt::join(values.words, " "),
                       values.files ? " files=yes" : "");
  }
  out += "    *)\n      case \"$at\" in\n";
  for (const Place& place : places) {
    out += fmt::format("        \"{}\") reply=\"{}\"{} ;;\n", place.path, all_words(place),
                       place.arguments.files ? " files=yes" : "");
  }
  out += R"(      esac ;;
  esac
  COMPREPLY=($(compgen -W "$reply" -- "$cur"))
  if [[ $files && $cur != -* ]]; then
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -f -- "$cur")
  else
    compopt +o filenames 2>/dev/null  # a folder may have a subcommand's name
  fi
  # bash ends a word at a colon: what stands before it must not be repeated.
  local before=${cur%"${cur##*:}"}
  [[ $COMP_WORDBREAKS == *:* ]] && COMPREPLY=("${COMPREPLY[@]#"$before"}")
}
complete -o filenames -o bashdefault -F _scalemix scalemix
)";
  return out;
}

std::string zsh(const std::vector<Place>& places) {
  std::string out = R"(#compdef scalemix
# zsh completion for scalemix
_scalemix() {
  local at= word
  for word in ${words[2,CURRENT-1]}; do
    case "$at/$word" in
      ()" + paths_pattern(places) +
                    R"() at="$at/$word" ;;
    esac
  done
  case "${words[CURRENT-1]}" in
)";
  for (const auto& [flag, values] : flag_values(places)) {
    out += fmt::format("    ({}) compadd -- {}{}; return ;;\n", flag, fmt::join(values.words, " "),
                       values.files ? "; _files" : "");
  }
  out += "  esac\n  case \"$at\" in\n";
  for (const Place& place : places) {
    out += fmt::format("    (\"{}\") compadd -- {}{} ;;\n", place.path, all_words(place),
                       place.arguments.files ? "; _files" : "");
  }
  out += "  esac\n}\n_scalemix \"$@\"\n";
  return out;
}

/// Text inside single quotes.
std::string single_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "'";
}

/// "__fish_seen_subcommand_from data; and __fish_seen_subcommand_from list" for /data/list.
std::string fish_condition(const std::string& path) {
  if (path.empty()) return "__fish_use_subcommand";
  Words parts;
  for (const std::string& name : CLI::detail::split(path.substr(1), '/')) {
    parts.push_back("__fish_seen_subcommand_from " + name);
  }
  return fmt::format("{}", fmt::join(parts, "; and "));
}

std::string offer(const Values& values) {
  return values.words.empty() ? "" : fmt::format(" -a '{}'", fmt::join(values.words, " "));
}

std::string fish(const std::vector<Place>& places) {
  std::string out = "# fish completion for scalemix\n";
  for (const Place& place : places) {
    const std::string head = "complete -c scalemix -n '" + fish_condition(place.path) + "'";
    for (const CLI::App* sub : subcommands_of(place.app)) {
      out += fmt::format("{} -f -a {} -d {}\n", head, sub->get_name(),
                         single_quoted(sub->get_description()));
    }
    out += head + (place.arguments.files ? "" : " -f") + offer(place.arguments) + "\n";
    for (const CLI::Option* option : place.app->get_options()) {
      const Values values = takes_value(option) ? values_of(option) : Values{};
      const char* takes = !takes_value(option) ? "" : values.files ? " -r" : " -x";
      for (const std::string& name : option->get_lnames()) {
        out += fmt::format("{} -l {}{}{} -d {}\n", head, name, takes, offer(values),
                           single_quoted(option->get_description()));
      }
    }
  }
  return out;
}

int run(const CLI::App& sub, const std::string& shell, bool json, std::ostream& out) {
  std::vector<Place> places;
  gather(sub.get_parent(), "", places);
  const std::string script = shell == "bash"  ? bash(places)
                             : shell == "zsh" ? zsh(places)
                                              : fish(places);
  if (json) {
    out << nlohmann::ordered_json{{"shell", shell}, {"script", script}}.dump(2) << '\n';
  } else {
    out << script;
  }
  return kSuccess;
}

}  // namespace

Action setup_completion(CLI::App& sub) {
  auto shell = std::make_shared<std::string>();
  take_words(sub.add_option("shell", *shell, "For which shell"), {"bash", "zsh", "fish"})
      ->required();
  auto json = std::make_shared<bool>(false);
  sub.add_flag("--json", *json, "Print JSON");
  return [&sub, shell, json](std::ostream& out) { return run(sub, *shell, *json, out); };
}

}  // namespace scalemix::inline v0::cli
