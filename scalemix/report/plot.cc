#include "scalemix/report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <map>
#include <string>

#include "scalemix/base/check.h"

namespace scalemix::inline v0::report {
namespace {

// Sizes in pixels.
constexpr double kWidth = 330, kHeight = 230;         // of a panel's frame
constexpr double kLeft = 72, kTop = 34, kRight = 22;  // around it
constexpr double kOverlap = 0.4;                      // of cells, or rounding leaves gaps
constexpr double kBar = 80;                           // right of a heat map
constexpr double kBelow = 46, kLegendLine = 17;       // below it: ticks and label, then the legend
constexpr double kHead = 30;                          // the figure's title
constexpr double kLetter = 6.3;                       // widest common letter of an 11 px font

constexpr std::array<const char*, 8> kPalette = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#b8860b", "#555555", "#7b3294"};
using Colour = std::array<double, 3>;
constexpr double kColours = 63;            // of a heat map, less one
constexpr std::array<Colour, 5> kHeat = {  // viridis at 0, 1/4, ..., 1
    Colour{68, 1, 84}, Colour{59, 82, 139}, Colour{33, 145, 140}, Colour{94, 201, 98},
    Colour{253, 231, 37}};

using Text = std::back_insert_iterator<std::string>;

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return out;
}

double text_width(const std::string& text) { return kLetter * static_cast<double>(text.size()); }

std::string heat_colour(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (kHeat.size() - 1);
  const auto i = std::min(static_cast<std::size_t>(place), kHeat.size() - 2);
  const double f = place - static_cast<double>(i);
  const auto mix = [&](std::size_t k) {
    return static_cast<int>(std::lround((1 - f) * kHeat[i][k] + f * kHeat[i + 1][k]));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2));
}

void check_lengths(const Figure& figure) {
  check(figure.columns > 0, "plot", "columns must be at least 1");
  for (const Panel& panel : figure.panels) {
    for (const Series& s : panel.series) {
      check(s.x.size() == s.y.size(), "plot", "series '" + s.label + "': x and y differ in length");
      check(s.error.empty() || s.error.size() == s.y.size(), "plot",
            "series '" + s.label + "': needs one error for each point, or none");
    }
    if (panel.heat) {
      check(panel.heat->z.size() == panel.heat->x.size() * panel.heat->y.size(), "plot",
            "a heat map needs a value for each cell");
    }
  }
}

/// Borders of cells around centres: half-way between, mirrored at the ends.
std::vector<double> borders(const std::vector<double>& centres) {
  const std::size_t n = centres.size();
  if (n == 1) return {centres[0] - 0.5, centres[0] + 0.5};
  std::vector<double> out = {1.5 * centres[0] - 0.5 * centres[1]};
  for (std::size_t i = 1; i < n; ++i) out.push_back((centres[i - 1] + centres[i]) / 2);
  out.push_back(1.5 * centres[n - 1] - 0.5 * centres[n - 2]);
  return out;
}

/// One panel, drawn with the upper left corner of its frame at (left, top).
class PanelDrawing {
 public:
  PanelDrawing(const Panel& panel, std::size_t number, double left, double top)
      : panel_(panel), number_(number), left_(left), top_(top) {
    std::vector<double> xs, ys;
    for (const Series& s : panel.series) {
      xs.insert(xs.end(), s.x.begin(), s.x.end());
      for (std::size_t i = 0; i < s.y.size(); ++i) {
        const double error = s.error.empty() ? 0 : s.error[i];
        ys.insert(ys.end(), {s.y[i], s.y[i] - error, s.y[i] + error});
      }
    }
    if (panel.heat && !panel.heat->z.empty()) {
      xs = borders(panel.heat->x);
      ys = borders(panel.heat->y);
    }
    const double margin = panel.heat ? 0 : 0.04;
    x_ = scale_of(panel.x, xs, margin);
    y_ = scale_of(panel.y, ys, margin);
  }

  std::string draw() {
    axes();
    fmt::format_to(to_, "<g clip-path=\"url(#clip{})\">\n", number_);
    if (panel_.heat) heat(*panel_.heat);
    for (std::size_t i = 0; i < panel_.series.size(); ++i) series(panel_.series[i], colour(i));
    for (const Label& label : panel_.labels) {
      if (x_.shows(label.x) && y_.shows(label.y)) {
        text(px(label.x), py(label.y) + 4, "label", label.text);
      }
    }
    out_ += "</g>\n";
    fmt::format_to(to_, "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" class=\"frame\"/>\n",
                   left_, top_, kWidth, kHeight);
    if (panel_.heat) colour_bar(*panel_.heat);
    legend(&out_);
    return std::move(out_);
  }

  /// Lines that the legend takes.
  std::size_t legend_lines() { return legend(nullptr); }

 private:
  double px(double x) const { return left_ + kWidth * x_.at(x); }
  double py(double y) const { return top_ + kHeight * (1 - y_.at(y)); }
  /// Far outside is as good as infinitely far, and keeps the numbers short.
  double near(double p) const { return std::clamp(p, -1e4, 1e4); }

  std::string colour(std::size_t i) const {
    const std::string& own = panel_.series[i].colour;
    return own.empty() ? kPalette[i % kPalette.size()] : own;
  }

  void text(double x, double y, const char* cls, const std::string& what) {
    fmt::format_to(to_, "<text x=\"{:.1f}\" y=\"{:.1f}\" class=\"{}\">{}</text>\n", x, y, cls,
                   escaped(what));
  }

  void axes() {
    fmt::format_to(to_,
                   "<clipPath id=\"clip{}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" "
                   "height=\"{}\"/></clipPath>\n",
                   number_, left_, top_, kWidth, kHeight);
    text(left_ + kWidth / 2, top_ - 10, "head", panel_.title);
    for (const double tick : ticks(x_)) {
      grid(px(tick), top_, px(tick), top_ + kHeight);
      text(px(tick), top_ + kHeight + 15, "mid", tick_text(tick));
    }
    for (const double tick : ticks(y_)) {
      grid(left_, py(tick), left_ + kWidth, py(tick));
      text(left_ - 5, py(tick) + 4, "end", tick_text(tick));
    }
    text(left_ + kWidth / 2, top_ + kHeight + 34, "mid", panel_.x.label);
    fmt::format_to(
        to_, "<text transform=\"translate({:.1f} {:.1f}) rotate(-90)\" class=\"mid\">{}</text>\n",
        left_ - 56, top_ + kHeight / 2, escaped(panel_.y.label));
  }

  void grid(double x1, double y1, double x2, double y2) {
    fmt::format_to(
        to_, "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"grid\"/>\n", x1,
        y1, x2, y2);
  }

  /// A path for each colour, which is shorter than a rectangle for each cell.
  void heat(const HeatMap& map) {
    const std::vector<double> xs = borders(map.x), ys = borders(map.y);
    const Scale z = heat_scale(map);
    std::map<std::string, std::string> paths;
    for (std::size_t j = 0; j < map.x.size(); ++j) {
      for (std::size_t i = 0; i < map.y.size();) {  // equal neighbours in y are one cell
        const std::string fill = cell_colour(map, z, i, j);
        std::size_t end = i + 1;
        while (end < map.y.size() && cell_colour(map, z, end, j) == fill) ++end;
        if (!fill.empty()) cell(xs[j], ys[i], xs[j + 1], ys[end], paths[fill]);
        i = end;
      }
    }
    for (const auto& [fill, path] : paths) {
      fmt::format_to(to_, "<path d=\"{}\" fill=\"{}\" class=\"cell\"/>\n", path, fill);
    }
  }

  static Scale heat_scale(const HeatMap& map) {
    return scale_of({"", false, map.lo, map.hi}, map.z, 0);
  }

  static std::string cell_colour(const HeatMap& map, const Scale& z, std::size_t i, std::size_t j) {
    const double value = map.z[i * map.x.size() + j];
    return std::isnan(value) ? "" : heat_colour(std::round(z.at(value) * kColours) / kColours);
  }

  void cell(double x1, double y1, double x2, double y2, std::string& path) {
    const auto inside_x = [&](double v) { return px(std::max(v, x_.lo)); };
    const auto inside_y = [&](double v) { return py(std::max(v, y_.lo)); };
    fmt::format_to(std::back_inserter(path), "M{:.1f} {:.1f}h{:.1f}v{:.1f}H{:.1f}z", inside_x(x1),
                   inside_y(y2), inside_x(x2) - inside_x(x1) + kOverlap,
                   inside_y(y1) - inside_y(y2) + kOverlap, inside_x(x1));
  }

  void colour_bar(const HeatMap& map) {
    constexpr int kSteps = 40;
    const double x = left_ + kWidth + 12;
    const Scale z = heat_scale(map);
    for (int i = 0; i < kSteps; ++i) {
      fmt::format_to(to_,
                     "<rect x=\"{:.1f}\" y=\"{:.2f}\" width=\"14\" height=\"{:.2f}\" fill=\"{}\" "
                     "class=\"cell\"/>\n",
                     x, top_ + kHeight * (1 - (i + 1.0) / kSteps), kHeight / kSteps,
                     heat_colour((i + 0.5) / kSteps));
    }
    for (const double tick : ticks(z)) {
      text(x + 18, top_ + kHeight * (1 - z.at(tick)) + 4, "", tick_text(tick));
    }
    text(x + 7, top_ - 10, "mid", map.label);
  }

  void series(const Series& s, const std::string& stroke) {
    if (s.style != Style::points) lines(s, stroke);
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if (!x_.shows(s.x[i]) || !y_.shows(s.y[i])) continue;
      if (!s.error.empty()) bar(s, i, stroke);
      if (s.style == Style::points || s.style == Style::both) {
        fmt::format_to(to_, "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"{}\"/>\n",
                       near(px(s.x[i])), near(py(s.y[i])), stroke);
      }
    }
  }

  /// A polyline for each stretch without gaps.
  void lines(const Series& s, const std::string& stroke) {
    std::string points;
    const auto flush = [&] {
      if (!points.empty()) {
        fmt::format_to(to_, "<polyline points=\"{}\" stroke=\"{}\" class=\"{}\"/>\n", points,
                       stroke, s.style == Style::dashed ? "curve dashed" : "curve");
      }
      points.clear();
    };
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if (x_.shows(s.x[i]) && y_.shows(s.y[i])) {
        fmt::format_to(std::back_inserter(points), "{}{:.1f},{:.1f}", points.empty() ? "" : " ",
                       near(px(s.x[i])), near(py(s.y[i])));
      } else {
        flush();
      }
    }
    flush();
  }

  /// The lower end of a bar that has no place on a logarithmic axis is the axis' own.
  void bar(const Series& s, std::size_t i, const std::string& stroke) {
    if (!(s.error[i] > 0) || !std::isfinite(s.error[i])) return;
    const double lower = s.y[i] - s.error[i];
    fmt::format_to(to_,
                   "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\" "
                   "stroke=\"{3}\"/>\n",
                   px(s.x[i]), near(py(y_.shows(lower) ? lower : y_.lo)),
                   near(py(s.y[i] + s.error[i])), stroke);
  }

  /// Draws into `out` unless it is null; returns the number of lines.
  std::size_t legend(std::string* out) {
    const double begin = left_ - 40, end = left_ + kWidth + (panel_.heat ? kBar : kRight);
    double x = begin, y = top_ + kHeight + kBelow + 10;
    std::size_t count = 0;
    for (std::size_t i = 0; i < panel_.series.size(); ++i) {
      const Series& s = panel_.series[i];
      if (s.label.empty()) continue;
      const double width = 36 + text_width(s.label);
      if (count == 0) count = 1;
      if (x > begin && x + width > end) {
        x = begin;
        y += kLegendLine;
        ++count;
      }
      if (out) legend_item(s, x, y, colour(i));
      x += width;
    }
    return count;
  }

  void legend_item(const Series& s, double x, double y, const std::string& stroke) {
    if (s.style != Style::points) {
      fmt::format_to(to_,
                     "<line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\" "
                     "class=\"{}\"/>\n",
                     x, x + 18, y - 4, y - 4, stroke,
                     s.style == Style::dashed ? "curve dashed" : "curve");
    }
    if (s.style == Style::points || s.style == Style::both) {
      fmt::format_to(to_, "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.6\" fill=\"{}\"/>\n", x + 9,
                     y - 4, stroke);
    }
    text(x + 23, y, "", s.label);
  }

  const Panel& panel_;
  std::size_t number_;
  double left_, top_;
  Scale x_, y_;
  std::string out_;
  Text to_{out_};
};

/// Where each row of panels begins, and the picture's size.
struct Layout {
  std::vector<double> tops;
  double cell = 0, width = 0, height = 0;
};

Layout layout_of(const Figure& figure) {
  Layout out;
  bool heat = false;
  for (const Panel& panel : figure.panels) heat |= panel.heat.has_value();
  out.cell = kLeft + kWidth + (heat ? kBar : kRight);
  const std::size_t n = figure.panels.size(),
                    columns = std::min(figure.columns, std::max(n, std::size_t{1}));
  out.width = static_cast<double>(columns) * out.cell;
  out.height = figure.title.empty() ? 4 : kHead;
  for (std::size_t i = 0; i < n; i += columns) {
    out.tops.push_back(out.height + kTop);
    std::size_t lines = 0;
    for (std::size_t j = i; j < std::min(i + columns, n); ++j) {
      lines = std::max(lines, PanelDrawing(figure.panels[j], j, kLeft, 0).legend_lines());
    }
    out.height += kTop + kHeight + kBelow + kLegendLine * static_cast<double>(lines) + 6;
  }
  return out;
}

std::string number(double value) { return fmt::format("{}", value); }

/// In quotes where it must be.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

}  // namespace

std::string svg(const Figure& figure) {
  check_lengths(figure);
  const Layout layout = layout_of(figure);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0:.0f}\" height=\"{1:.0f}\" "
      "viewBox=\"0 0 {0:.0f} {1:.0f}\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<style>.mid{{text-anchor:middle}}.end{{text-anchor:end}}"
      ".head{{text-anchor:middle;font-size:12px}}"
      ".label{{text-anchor:middle;paint-order:stroke;stroke:white;stroke-width:3px}}.frame{{fill:none;stroke:#888}}"
      ".grid{{stroke:#e4e4e4}}.curve{{fill:none;stroke-width:1.7}}"
      ".dashed{{stroke-dasharray:5 3}}.cell{{shape-rendering:crispEdges}}</style>\n"
      "<rect width=\"{0:.0f}\" height=\"{1:.0f}\" fill=\"white\"/>\n",
      layout.width, layout.height);
  if (!figure.title.empty()) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"20\" class=\"mid\" font-size=\"14\">{}</text>\n",
                       layout.width / 2, escaped(figure.title));
  }
  for (std::size_t i = 0; i < figure.panels.size(); ++i) {
    const double left = kLeft + static_cast<double>(i % figure.columns) * layout.cell;
    out += PanelDrawing(figure.panels[i], i, left, layout.tops[i / figure.columns]).draw();
  }
  return out + "</svg>\n";
}

std::string csv(const Figure& figure) {
  check_lengths(figure);
  std::string out = "panel,series,x,y,error,z\n";
  for (const Panel& panel : figure.panels) {
    const std::string title = field(panel.title);
    if (const auto& map = panel.heat) {
      for (std::size_t k = 0; k < map->z.size(); ++k) {
        out += fmt::format("{},{},{},{},,{}\n", title, field(map->label),
                           number(map->x[k % map->x.size()]), number(map->y[k / map->x.size()]),
                           number(map->z[k]));
      }
    }
    for (const Series& s : panel.series) {
      for (std::size_t k = 0; k < s.x.size(); ++k) {
        out += fmt::format("{},{},{},{},{},\n", title, field(s.label), number(s.x[k]),
                           number(s.y[k]), s.error.empty() ? "" : number(s.error[k]));
      }
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::report
