// The picture of `scalemix prior --plot`, and the numbers of --csv.

#include <algorithm>
#include <cmath>

#include "scalemix/base/number_text.h"
#include "scalemix/cli/prior_options.h"
#include "scalemix/prior/variance.h"

namespace scalemix::inline v0::cli {
namespace {

using prior::Prior;

constexpr double kReach = 10;  // units
constexpr int kPoints = 241;

/// From -reach to reach, denser towards 0, and 0 itself.
std::vector<double> places(double reach) {
  std::vector<double> out;
  for (int i = 0; i < kPoints; ++i) {
    const double share = 2.0 * i / (kPoints - 1) - 1;
    out.push_back(reach * share * share * share);
  }
  return out;
}

template <class F>
report::Series curve(const char* label, const std::vector<double>& x, const F& f) {
  report::Series series{label, x};
  for (const double at : x) series.y.push_back(f(at));
  return series;
}

/// Density of kappa, or the probabilities of its values as points.
report::Panel shrinkage_panel(const Prior& p, double scale) {
  report::Panel panel{"shrinkage profile", {"kappa = 1 / (1 + lambda^2)"}, {"density"}};
  panel.x.lo = -0.03;
  panel.x.hi = 1.03;
  panel.y.lo = 0;
  report::Series series{"kappa"};
  if (prior::single_values(p.law())) {
    panel.y.label = "probability";
    series.style = report::Style::points;
    const double last = p.law().quantile(0.9999);
    for (double z = p.law().row().discrete ? 0 : last; z <= last; ++z) {
      series.x.push_back(1 / (1 + scale * z * scale * z));
      series.y.push_back(std::min(1.0, prior::folded(p.law(), z)));
    }
  } else {
    for (int i = 1; i < kPoints; ++i) {
      series.x.push_back(static_cast<double>(i) / kPoints);
      series.y.push_back(prior::shrinkage_density(p.law(), series.x.back(), scale));
    }
  }
  panel.series.push_back(std::move(series));
  return panel;
}

}  // namespace

report::Figure prior_figure(const PriorOptions& o, const Prior& p) {
  const double unit = unit_of(p);
  const std::vector<double> x = places(kReach * unit);
  const Prior normal = Prior::parse("normal:scale=" + shortest_number(unit));
  report::Series reference = curve("normal", x, [&](double w) { return normal.density(w); });
  reference.style = report::Style::dashed;
  report::Panel density{"density", {"w"}, {"p(w)", true}};
  density.y.lo = 1e-8 / unit;
  density.series = {curve("prior", x, [&](double w) { return p.density(w); }), reference};
  report::Panel penalty{"penalty", {"w"}, {"nats"}};
  penalty.series = {curve("-ln p(w)", x, [&](double w) { return -p.log_density(w); })};
  report::Panel slope{"slope of the penalty", {"w"}, {"nats per unit of w"}};
  slope.series = {curve("-d ln p / dw", x, [&](double w) {
    return w == 0 ? std::nan("") : p.slope(w);  // it jumps there, or has a pole
  })};
  slope.y.lo = -5 / unit;
  slope.y.hi = 5 / unit;
  const std::string closed = p.name();
  return {p.law().spec() + (closed.empty() ? "" : ": " + closed),
          {density, penalty, slope, shrinkage_panel(p, scale_of(o, p.law()))},
          2};
}

}  // namespace scalemix::inline v0::cli
