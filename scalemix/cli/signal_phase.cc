// The grid of `scalemix signal --phase-diagram`: a table, JSON or a picture.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/parallel.h"
#include "scalemix/cli/signal_options.h"
#include "scalemix/report/plot.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

constexpr double kMostSteps = 10000;

/// "LO:HI:N": N values from LO to HI.
std::vector<double> range(const char* option, const std::string& text) {
  double parts[3] = {};
  const char *at = text.data(), *end = at + text.size();
  for (int i = 0; i < 3; ++i) {
    const auto [stop, error] = std::from_chars(at, end, parts[i]);
    const bool last = i == 2;
    if (error != std::errc{} || (last ? stop != end : stop == end || *stop != ':')) {
      throw ConfigError(
          fmt::format("{}: expected LO:HI:N, for example 0.5:4:36, got '{}'", option, text));
    }
    at = last ? stop : stop + 1;
  }
  const double n = parts[2];
  if (!(n >= 1 && n <= kMostSteps && n == std::floor(n))) {
    throw ConfigError(
        fmt::format("{}: N must be a whole number from 1 to 10000, got {:g}", option, n));
  }
  std::vector<double> out;
  for (double i = 0; i < n; ++i) {
    out.push_back(n == 1 ? parts[0] : parts[0] + (parts[1] - parts[0]) * i / (n - 1));
  }
  return out;
}

signal::PhaseGrid grid_of(const SignalOptions& o) {
  if (!o.phase_b.empty() && !o.phase_p.empty()) {
    throw ConfigError("--phase-p: excludes --phase-b, since a grid has two axes");
  }
  signal::PhaseGrid grid;
  grid.sigma_w2 = range("--phase-w", o.phase_w.empty() ? "0.1:4:40" : o.phase_w);
  if (!o.phase_p.empty()) grid.p = range("--phase-p", o.phase_p);
  if (o.phase_p.empty())
    grid.sigma_b2 = range("--phase-b", o.phase_b.empty() ? "0:0.2:11" : o.phase_b);
  return grid;
}

/// A row's values by name; empty where there is none.
std::vector<std::pair<const char*, std::optional<double>>> values_of(const signal::PhasePoint& p) {
  const auto& s = p.at.slopes;
  const auto& x = p.at.scales;
  const auto of = [](bool there, auto&& value) {
    return there ? std::optional<double>(value()) : std::nullopt;
  };
  return {{"sigma_w2", p.net.sigma_w2},
          {"sigma_b2", p.net.sigma_b2},
          {"p", p.p},
          {"mu2", p.net.noise.mu2},
          {"q", p.at.q.kind == signal::Fixed::point ? p.at.q.value : std::nullopt},
          {"c", p.at.c.value},
          {"chi_1", of(s.has_value(), [&] { return s->gradient; })},
          {"chi_c", of(s.has_value(), [&] { return s->correlation; })},
          {"xi_1", of(x.has_value(), [&] { return x->gradient; })},
          {"xi_c", of(x.has_value(), [&] { return x->correlation; })}};
}

std::string csv(const std::vector<signal::PhasePoint>& points) {
  std::string out;
  for (const auto& [name, value] : values_of(points[0])) out += std::string(name) + ",";
  out += "variance,phase\n";
  for (const signal::PhasePoint& p : points) {
    for (const auto& [name, value] : values_of(p)) out += value ? fmt::format("{},", *value) : ",";
    out += fmt::format("{},{}\n", signal::name(p.at.q.kind), signal::name(p.phase));
  }
  return out;
}

std::string json(const std::vector<signal::PhasePoint>& points) {
  ordered_json rows = ordered_json::array();
  for (const signal::PhasePoint& p : points) {
    ordered_json row;
    for (const auto& [name, value] : values_of(p)) {
      row[name] = !value               ? ordered_json(nullptr)
                  : std::isinf(*value) ? ordered_json("inf")
                                       : ordered_json(*value);
    }
    row["variance"] = signal::name(p.at.q.kind);
    row["phase"] = signal::name(p.phase);
    rows.push_back(row);
  }
  return rows.dump(1) + "\n";
}

constexpr double kMostLayers = 100;  // of the picture's colours

/// Where the slope of gradients is 1, along the other side.
report::Series critical_line(const signal::Network& net, const signal::PhaseGrid& grid, double q0) {
  constexpr std::size_t kPoints = 201;
  const bool dropout = !grid.p.empty();
  const std::vector<double>& side = dropout ? grid.p : grid.sigma_b2;
  report::Series line{"chi_1 = 1", std::vector<double>(kPoints), std::vector<double>(kPoints)};
  line.colour = "#d00000";
  parallel_tiles(kPoints, [&](std::size_t i) {
    signal::Network at = net;
    const double share = static_cast<double>(i) / (kPoints - 1);
    line.y[i] = side.front() + share * (side.back() - side.front());
    if (dropout) {
      const auto law = law::AnyLaw::make("bernoulli", std::vector<double>{line.y[i]});
      at.noise = signal::multiplicative(law);
    } else {
      at.sigma_b2 = line.y[i];
    }
    line.x[i] = critical_sigma_w2(at, grid.sigma_w2.front(), grid.sigma_w2.back(), q0)
                    .value_or(std::numeric_limits<double>::quiet_NaN());
  });
  return line;
}

/// What happens at a point, in the picture's words. Where the variance does not stay, no depth of
/// correlations is a depth that a signal reaches.
const char* fate(const signal::PhasePoint& p) {
  using signal::Fixed;
  if (p.at.q.kind == Fixed::zero) return "signal dies";
  if (p.at.q.kind == Fixed::none) return "variance grows";
  if (p.phase == signal::Phase::vanishing) return "gradients vanish";
  return p.phase == signal::Phase::exploding ? "gradients explode" : "";
}

/// Each fate once, at the middle of its part of the grid, if that is not too small for words.
std::vector<report::Label> labels_of(const std::vector<double>& x, const std::vector<double>& y,
                                     const std::vector<signal::PhasePoint>& points) {
  std::vector<report::Label> out;
  for (const std::string_view word :
       {"signal dies", "variance grows", "gradients vanish", "gradients explode"}) {
    double count = 0, column = 0, row = 0;
    for (std::size_t k = 0; k < points.size(); ++k) {
      if (fate(points[k]) != word) continue;
      ++count;
      column += static_cast<double>(k % x.size());
      row += static_cast<double>(k / x.size());
    }
    if (count < 0.015 * static_cast<double>(points.size())) continue;
    out.push_back({x[static_cast<std::size_t>(column / count + 0.5)],
                   y[static_cast<std::size_t>(row / count + 0.5)], std::string(word)});
  }
  return out;
}

std::string noise_name(const SignalOptions& o) {
  if (!o.methods.empty()) return fmt::format("{}", fmt::join(o.methods, " "));
  if (o.noise.empty() || o.noise == "none") return "no noise";
  return (o.additive ? "additive " : "") + o.noise;
}

/// 6 xi_c as colours, white where there is none.
std::string picture(const SignalOptions& o, const signal::Network& net,
                    const signal::PhaseGrid& grid, const std::vector<signal::PhasePoint>& points) {
  const bool dropout = !grid.p.empty();
  const std::vector<double>& side = dropout ? grid.p : grid.sigma_b2;
  report::HeatMap map{"6 xi_c", grid.sigma_w2, side};
  map.lo = 0;
  map.hi = kMostLayers;
  for (const signal::PhasePoint& p : points) {
    const bool stays = p.at.scales && p.at.q.exists() && p.at.q.kind != signal::Fixed::zero;
    map.z.push_back(stays ? std::min(6 * p.at.scales->correlation, kMostLayers)
                          : std::numeric_limits<double>::quiet_NaN());
  }
  report::Panel panel{"layers that a signal reaches",
                      {"sigma_w2"},
                      {dropout ? "p" : "sigma_b2"},
                      {critical_line(net, grid, o.q0)}};
  panel.heat = map;
  panel.labels = labels_of(grid.sigma_w2, side, points);
  const std::string noise = dropout ? "dropout" : noise_name(o);
  return report::svg({fmt::format("{}, {}", net.activation.spec(), noise), {panel}, 1});
}

}  // namespace

void write_phase_diagram(const SignalOptions& o, const signal::Network& net) {
  const auto ends = [&](const char* with) { return o.phase_diagram.ends_with(with); };
  if (!ends(".json") && !ends(".csv") && !ends(".svg")) {
    throw ConfigError(fmt::format(
        "--phase-diagram: expected FILE.csv, FILE.json or FILE.svg, got '{}'", o.phase_diagram));
  }
  const signal::PhaseGrid grid = grid_of(o);
  const auto points = signal::phase_diagram(net, grid, o.q0);
  write_atomically(o.phase_diagram, ends(".json")  ? json(points)
                                    : ends(".csv") ? csv(points)
                                                   : picture(o, net, grid, points));
}

}  // namespace scalemix::inline v0::cli
