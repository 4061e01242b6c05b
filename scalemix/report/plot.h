// Pictures of data as SVG text: curves, points with error bars and heat maps, in panels side by
// side, on linear or logarithmic axes, each panel with its legend below it. And the same data as a
// CSV table, so that what is drawn can be drawn again by anything.
//
//   Figure figure{"depth scale", {{"dropout", {"mu2"}, {"layers", true}, {theory, measured}}}};
//   write_atomically("figure.svg", svg(figure));
//   write_atomically("figure.csv", csv(figure));
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scalemix/report/axis.h"

namespace scalemix::inline v0::report {

enum class Style { line, dashed, points, both };  // both: points joined by a line

/// A curve. Values that have no place on the axes (NaN, infinite, not positive on a logarithmic
/// axis) are left out and break the line.
struct Series {
  std::string label = {};  // empty: not in the legend
  std::vector<double> x = {}, y = {};
  std::vector<double> error = {};  // bars y +- error: none at all, or one for each point
  Style style = Style::line;
  std::string colour = {};  // an SVG colour; empty: the next of a palette of eight
};

/// Colours of cells (x[j], y[i]), z[i * x.size() + j]; NaN leaves a cell white. x and y are
/// centres, increasing; cells reach half-way to their neighbours.
struct HeatMap {
  std::string label = {};  // of the colour bar
  std::vector<double> x = {}, y = {}, z = {};
  std::optional<double> lo = {}, hi = {};  // ends of the colour bar; values beyond take its ends
};

/// Words in a panel, centred at (x, y).
struct Label {
  double x = 0, y = 0;
  std::string text = {};
};

struct Panel {
  std::string title = {};
  Axis x = {}, y = {};
  std::vector<Series> series = {};
  std::optional<HeatMap> heat = {};  // below the curves
  std::vector<Label> labels = {};    // above them
};

struct Figure {
  std::string title = {};
  std::vector<Panel> panels = {};
  std::size_t columns = 2;  // panels side by side
};

/// Throws std::invalid_argument if lengths do not fit (x and y, error, z) or columns is 0, and
/// std::domain_error as scale_of does.
std::string svg(const Figure& figure);

/// panel,series,x,y,error,z: a row for each point (z empty) and for each cell of a heat map (series
/// is its label, error empty). Numbers are the shortest that read back the same; NaN is "nan".
std::string csv(const Figure& figure);

}  // namespace scalemix::inline v0::report
