#include "scalemix/cli/compare_report.h"

#include <fmt/format.h>

#include <cmath>
#include <ostream>

#include "scalemix/cli/table.h"
#include "scalemix/run/progress.h"

namespace scalemix::inline v0::cli {
namespace {

using study::Cell;
using study::Comparison;

std::string mean_text(const std::optional<Cell>& cell) {
  if (!cell) return "-";
  if (!std::isfinite(cell->error)) return fmt::format("{:.4g}", cell->mean);
  return fmt::format("{:.4f} ± {:.4f}", cell->mean, cell->error);
}

/// "better, p 0.003"; "-" of the first.
std::string verdict(const std::optional<Cell>& cell, bool largest) {
  if (!cell || !cell->p) return "-";
  constexpr double kLevel = 0.05;
  if (*cell->p >= kLevel) {
    return fmt::format("not resolved, p {:.2g}; {:.2g} would have been", *cell->p,
                       *cell->detectable);
  }
  const bool better = (*cell->difference > 0) == largest;
  return fmt::format("{} by {:.3g} ± {:.2g}, p {:.2g}", better ? "better" : "worse",
                     std::abs(*cell->difference), *cell->difference_error, *cell->p);
}

}  // namespace

void print_comparison(const Comparison& c, std::ostream& out) {
  const auto& measures = study::measures(c.task);
  std::vector<std::string> head{"variant"};
  std::vector<std::size_t> shown;
  for (std::size_t m = 0; m < measures.size(); ++m) {
    bool any = false;
    for (const auto& row : c.cells) any |= row[m].has_value();
    if (!any) continue;
    shown.push_back(m);
    head.emplace_back(measures[m].title);
  }
  if (!c.mean_ranks.empty()) head.emplace_back("rank");
  head.emplace_back("time");
  Table table(head);
  for (std::size_t v = 0; v < c.variants.size(); ++v) {
    std::vector<std::string> row{c.variants[v].label};
    for (const std::size_t m : shown) row.push_back(mean_text(c.cells[v][m]));
    if (!c.mean_ranks.empty()) row.push_back(fmt::format("{:.2f}", c.mean_ranks[v]));
    row.push_back(run::clock_text(c.variants[v].seconds));
    table.add(row);
  }
  table.print(out);
  if (c.mean_ranks.empty()) return;
  out << fmt::format(
      "\nover {} replicas, ranked by {}: Friedman p {:.2g}; mean ranks closer than {:.2f} "
      "do not differ\n",
      c.replicas, measures.front().title, *c.friedman_p, *c.critical_difference);
  out << fmt::format("against {} (paired t, Holm's correction, at 0.05):\n", c.variants[0].label);
  Table tests({"  variant", std::string(measures[0].title), std::string(measures[1].title)});
  for (std::size_t v = 1; v < c.variants.size(); ++v) {
    tests.add({"  " + c.variants[v].label, verdict(c.cells[v][0], measures[0].largest),
               verdict(c.cells[v][1], measures[1].largest)});
  }
  tests.print(out);
}

report::Figure figure_of(const Comparison& c) {
  report::Figure out{"comparison", {}};
  const auto series = [&](std::size_t v, double y, double error) {
    return report::Series{fmt::format("{}  {}", v + 1, c.variants[v].label),
                          {static_cast<double>(v + 1)},
                          {y},
                          {std::isfinite(error) ? error : 0},
                          report::Style::points};
  };
  for (std::size_t m = 0; m < study::measures(c.task).size(); ++m) {
    const std::string title(study::measures(c.task)[m].title);
    report::Panel panel{title, {"variant"}, {title}};
    for (std::size_t v = 0; v < c.variants.size(); ++v) {
      const std::optional<Cell>& cell = c.cells[v][m];
      if (cell) panel.series.push_back(series(v, cell->mean, cell->error));
    }
    if (!panel.series.empty()) out.panels.push_back(panel);
  }
  if (c.mean_ranks.empty()) return out;
  report::Panel ranks{
      fmt::format("mean ranks; closer than {:.2f}: no difference", *c.critical_difference),
      {"variant"},
      {"mean rank, 1 the best"}};
  for (std::size_t v = 0; v < c.variants.size(); ++v) {
    ranks.series.push_back(series(v, c.mean_ranks[v], *c.critical_difference / 2));
  }
  out.panels.push_back(ranks);
  return out;
}

}  // namespace scalemix::inline v0::cli
