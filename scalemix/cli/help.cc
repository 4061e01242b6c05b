#include "scalemix/cli/help.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kWidth = 80, kOptions = 32, kCommands = 16;  // where descriptions begin

/// Cuts a text into lines of at most `width`, after the last of `breaks` that fits; a piece without one is
/// longer. A blank at the end of a line is left out.
std::vector<std::string> lines_of(std::string_view text, std::size_t width,
                                  std::string_view breaks) {
  std::vector<std::string> out;
  while (text.size() > width) {
    // A blank may stand just beyond the width, for it is not written.
    std::size_t at = text.substr(0, width + 1).find_last_of(breaks);
    if (at == width && text[at] != ' ') at = text.substr(0, width).find_last_of(breaks);
    if (at == std::string_view::npos || at == 0) at = text.find_first_of(breaks, 1);
    if (at == std::string_view::npos) break;
    out.emplace_back(text.substr(0, text[at] == ' ' ? at : at + 1));
    text.remove_prefix(at + 1);
  }
  out.emplace_back(text);
  return out;
}

/// A name, and a text from the column on: on the same line where the name leaves room.
std::string two_columns(const std::string& name, const std::string& text, std::size_t column) {
  std::string out;
  const std::vector<std::string> names = lines_of(name, kWidth - 2, "| ");
  for (std::size_t i = 0; i < names.size(); ++i) {
    out += (i == 0 ? "  " : "\n      ") + names[i];
  }
  bool first = names.size() == 1 && names[0].size() + 3 <= column;
  std::size_t at = 2 + names[0].size();
  for (const std::string& line : lines_of(text, kWidth - column, " ")) {
    if (line.empty()) break;
    out += first ? std::string(column - at, ' ') : "\n" + std::string(column, ' ');
    out += line;
    first = false;
  }
  return out + "\n";
}

/// Paragraphs, each broken by itself.
std::string wrapped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view paragraph = text.substr(0, text.find('\n'));
    for (const std::string& line : lines_of(paragraph, kWidth, " ")) out += line + "\n";
    text.remove_prefix(std::min(text.size(), paragraph.size() + 1));
  }
  return out;
}

class Formatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool positional) const override {
    return two_columns(make_option_name(option, positional) + make_option_opts(option),
                       make_option_desc(option), kOptions);
  }
  std::string make_description(const CLI::App* app) const override {
    return wrapped(CLI::Formatter::make_description(app));
  }
  std::string make_footer(const CLI::App* app) const override {
    return wrapped(CLI::Formatter::make_footer(app));
  }
  std::string make_subcommand(const CLI::App* sub) const override {
    return two_columns(sub->get_name(), sub->get_description(), kCommands);
  }
};

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_formatter() { return std::make_shared<Formatter>(); }

}  // namespace scalemix::inline v0::cli
