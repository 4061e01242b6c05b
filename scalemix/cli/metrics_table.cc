#include "scalemix/cli/metrics_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "scalemix/cli/table.h"

namespace scalemix::inline v0::cli {
namespace {

enum Column { one_pass, draws, no_inputs };
constexpr std::array kHeads = {"one pass", "draws", "no inputs"};

/// How names begin that belong to a column; a prefix that says no more is left out in its line.
struct Beginning {
  std::string_view text;
  Column column;
  bool shown;
};
// That of every name last.
constexpr std::array<Beginning, 5> kBeginnings = {{{"mc_", draws, false},
                                                   {"epistemic", draws, true},
                                                   {"aleatoric", draws, true},
                                                   {"baseline_", no_inputs, false},
                                                   {"", one_pass, true}}};

constexpr std::array kShares = {"error", "accuracy", "balanced_accuracy", "sparsity",
                                "coverage_90"};

const Beginning& beginning_of(std::string_view name) {
  return *std::find_if(kBeginnings.begin(), kBeginnings.end(),
                       [name](const Beginning& b) { return name.starts_with(b.text); });
}

std::string plain(const std::string& name) {
  const Beginning& b = beginning_of(name);
  return b.shown ? name : name.substr(b.text.size());
}

struct Line {
  std::string name;
  std::array<std::string, kHeads.size()> text = {};
};

}  // namespace

std::string metric_text(const std::string& name, double value) {
  if (std::find(kShares.begin(), kShares.end(), plain(name)) != kShares.end()) {
    return fmt::format("{:.2f} %", 100 * value);
  }
  const double size = std::abs(value);
  return size == 0 || (size >= 0.01 && size < 1e5) ? fmt::format("{:.4f}", value)
                                                   : fmt::format("{:.4g}", value);
}

void print_metrics(const std::vector<std::pair<std::string, double>>& metrics, std::ostream& out) {
  std::vector<Line> lines;
  std::array<bool, kHeads.size()> used = {};
  for (const auto& [name, value] : metrics) {
    const std::string shown = plain(name);
    auto line = std::find_if(lines.begin(), lines.end(),
                             [&shown](const Line& l) { return l.name == shown; });
    if (line == lines.end()) line = lines.insert(lines.end(), Line{shown});
    const Column column = beginning_of(name).column;
    line->text[column] = metric_text(name, value);
    used[column] = true;
  }
  const auto cells = [&used](std::string first, const auto& of) {
    std::vector<std::string> row = {std::move(first)};
    for (std::size_t k = 0; k < used.size(); ++k) {
      if (used[k]) row.emplace_back(of[k]);
    }
    return row;
  };
  Table table(cells("metric", kHeads));
  for (const Line& line : lines) table.add(cells(line.name, line.text));
  table.print(out);
}

}  // namespace scalemix::inline v0::cli
