// scalemix completion bash|zsh|fish
//
// A completion script made from the command's own options, so it never lags behind them:
//
//   bash   source <(scalemix completion bash)
//   zsh    scalemix completion zsh > ~/.zfunc/_scalemix        (a folder of $fpath)
//   fish   scalemix completion fish > ~/.config/fish/completions/scalemix.fish

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/names.h"

namespace scalemix::inline v0::cli {
namespace {

/// The command itself ("") or a subcommand ("/data/list"): what may follow it.
struct Place {
  std::string path;
  const CLI::App* app;
  std::vector<std::string> flags, subcommands;
};

std::vector<const CLI::App*> subcommands_of(const CLI::App* app) {
  return app->get_subcommands([](const CLI::App*) { return true; });
}

void gather(const CLI::App* app, const std::string& path, std::vector<Place>& out) {
  Place place{path, app, {}, {}};
  for (const CLI::Option* option : app->get_options()) {
    for (const std::string& name : option->get_lnames()) place.flags.push_back("--" + name);
  }
  const auto subs = subcommands_of(app);
  for (const CLI::App* sub : subs) place.subcommands.push_back(sub->get_name());
  out.push_back(std::move(place));
  for (const CLI::App* sub : subs) gather(sub, path + "/" + sub->get_name(), out);
}

/// Flags whose values have names of their own; those of --data may be files too.
struct Words {
  const char* flag;
  std::vector<std::string> words;
};

std::vector<Words> value_words() {
  return {{"--data", names_of("data")},
          {"--method", names_of("methods")},
          {"--model", names_of("architectures")}};
}

std::string paths_pattern(const std::vector<Place>& places) {
  std::vector<std::string> paths;
  for (std::size_t i = 1; i < places.size(); ++i) paths.push_back(places[i].path);
  return fmt::format("{}", fmt::join(paths, "|"));
}

std::string words_of(const Place& place) {
  return fmt::format("{}{}{}", fmt::join(place.subcommands, " "),
                     place.subcommands.empty() ? "" : " ", fmt::join(place.flags, " "));
}

std::string bash(const std::vector<Place>& places) {
  std::string out = R"(# bash completion for scalemix
_scalemix() {
  local line=${COMP_LINE:0:COMP_POINT} at= word words=() reply=
  local cur=${line##*[[:space:]]}
  read -ra words <<<"${line:0:$((${#line} - ${#cur}))}"
  for word in "${words[@]:1}"; do
    case "$at/$word" in
      )" + paths_pattern(places) +
                    R"() at="$at/$word" ;;
    esac
  done
  case "${words[${#words[@]} - 1]}" in
)";
  for (const Words& w : value_words()) {
    out += fmt::format("    {}) reply=\"{}\" ;;\n", w.flag, fmt::join(w.words, " "));
  }
  out += "    *)\n      case \"$at\" in\n";
  for (const Place& place : places) {
    out += fmt::format("        \"{}\") reply=\"{}\" ;;\n", place.path, words_of(place));
  }
  out += R"(      esac ;;
  esac
  COMPREPLY=($(compgen -W "$reply" -- "$cur"))
  [[ $cur == -* ]] || COMPREPLY+=($(compgen -f -- "$cur"))
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
  for (const Words& w : value_words()) {
    out +=
        fmt::format("    ({}) compadd -- {}; _files; return ;;\n", w.flag, fmt::join(w.words, " "));
  }
  out += "  esac\n  case \"$at\" in\n";
  for (const Place& place : places) {
    out += fmt::format("    (\"{}\") compadd -- {} ;;\n", place.path, words_of(place));
  }
  out += "  esac\n  _files\n}\n_scalemix \"$@\"\n";
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
  std::vector<std::string> parts;
  for (const std::string& name : CLI::detail::split(path.substr(1), '/')) {
    parts.push_back("__fish_seen_subcommand_from " + name);
  }
  return fmt::format("{}", fmt::join(parts, "; and "));
}

std::string fish(const std::vector<Place>& places) {
  std::string out = "# fish completion for scalemix\n";
  for (const Place& place : places) {
    const std::string condition =
        place.path.empty() ? "__fish_use_subcommand" : fish_condition(place.path);
    for (const CLI::App* sub : subcommands_of(place.app)) {
      out += fmt::format("complete -c scalemix -n '{}' -a {} -d {}\n", condition, sub->get_name(),
                         single_quoted(sub->get_description()));
    }
    for (const CLI::Option* option : place.app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        std::string values;
        for (const Words& w : value_words()) {
          if (w.flag == "--" + name) values = fmt::format(" -a '{}'", fmt::join(w.words, " "));
        }
        out += fmt::format("complete -c scalemix -n '{}' -l {}{}{} -d {}\n", condition, name,
                           option->get_items_expected_max() == 0 ? "" : " -r", values,
                           single_quoted(option->get_description()));
      }
    }
  }
  return out;
}

int run(const CLI::App& sub, const std::string& shell, std::ostream& out) {
  std::vector<Place> places;
  gather(sub.get_parent(), "", places);
  out << (shell == "bash" ? bash(places) : shell == "zsh" ? zsh(places) : fish(places));
  return kSuccess;
}

}  // namespace

Action setup_completion(CLI::App& sub) {
  auto shell = std::make_shared<std::string>();
  sub.add_option("shell", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->type_name("SHELL");
  return [&sub, shell](std::ostream& out) { return run(sub, *shell, out); };
}

}  // namespace scalemix::inline v0::cli
