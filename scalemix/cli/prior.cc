// scalemix prior half_cauchy:scale=1 --density --plot horseshoe.svg
// scalemix prior --of laplace:scale=0.5
// scalemix prior --fit runs/a --layer linear1
// scalemix prior --data mine.csv --target price
//
// What a noise law means for the weights it multiplies: their prior, its moments, tails and penalty;
// the law that a wanted prior needs; and the law that explains weights best.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/prior_options.h"
#include "scalemix/cli/table.h"
#include "scalemix/prior/called.h"
#include "scalemix/prior/convexity.h"
#include "scalemix/prior/variance.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;
using prior::Prior;

constexpr double kNear = 0.1, kFar = 10;  // units: what is near 0, where the tail is looked at
constexpr double kAlone = 0.1, kNothing = 0.9;  // kappa of weights left alone, shrunk to nothing
constexpr double kPlaces[] = {0, 0.01, 0.03, 0.1, 0.3, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9, 10};

/// JSON has no infinity.
ordered_json number(double x) {
  return std::isfinite(x) ? ordered_json(x) : ordered_json(x > 0 ? "inf" : "-inf");
}

Prior prior_of(const PriorOptions& o) {
  if (!o.of.empty()) return Prior::parse(o.of);
  const law::AnyLaw law = law::AnyLaw::parse(o.law);
  return o.multiplier ? Prior::of_multiplier(law, o.sigma0) : Prior::induced(law, o.sigma0);
}

/// Largest difference of the closed form and the mixture, relative, from 0.001 to 10 units.
double worst_difference(const Prior& p) {
  double worst = 0;
  for (double v = 1e-3; v <= kFar; v *= 1.1) {
    const double by_nodes = p.mixture().at(v * unit_of(p)).log_density;
    worst = std::max(worst, std::abs(std::expm1(by_nodes - p.log_density(v * unit_of(p)))));
  }
  return worst;
}

ordered_json convexity_of(const Prior& p) {
  ordered_json out = ordered_json::array();
  for (const prior::Interval& i : prior::not_convex(p)) out.push_back({i.lo, number(i.hi)});
  return out;
}

ordered_json densities_of(const Prior& p) {
  ordered_json rows = ordered_json::array();
  for (const double place : kPlaces) {
    const double w = place * unit_of(p);
    rows.push_back({{"w", w},
                    {"density", number(p.density(w))},
                    {"penalty", number(-p.log_density(w))},
                    {"slope", number(p.slope(w))}});
  }
  return rows;
}

ordered_json report_of(const PriorOptions& o, const Prior& p) {
  const prior::Called& called = prior::called(p.law());
  const double unit = unit_of(p), scale = scale_of(o, p.law());
  const prior::Prior normal = Prior::parse(fmt::format("normal:scale={}", unit));
  ordered_json r = {{"prior", p.word()},
                    {"closed_form", p.name()},
                    {"law", p.law().spec()},
                    {"sigma0", o.of.empty() ? o.sigma0 : p.sigma0()},
                    {"multiplier", o.multiplier},
                    {"scale", scale},
                    {"variance_prior", called.variance},
                    {"marginal_prior", called.marginal},
                    {"variance", number(p.variance())},
                    {"excess_kurtosis", number(p.kurtosis() - 3)},
                    {"unit", unit},
                    {"mass_at_0", p.atom()},
                    {"mass_near_0", p.within(kNear * unit)},
                    {"mass_near_0_normal", normal.within(kNear * unit)},
                    {"density_at_0", number(p.density(0))},
                    {"tail", called.tail},
                    {"tail_exponent", number(prior::tail_exponent(p.law()))},
                    {"tail_exponent_at_10", kFar * unit * p.slope(kFar * unit)},
                    {"mean_kappa", prior::mean_shrinkage(p.law(), scale)},
                    {"kappa_below_0.1", prior::shrinkage_within(p.law(), kAlone, scale)},
                    {"kappa_above_0.9", 1 - prior::shrinkage_within(p.law(), kNothing, scale)},
                    {"not_convex", convexity_of(p)}};
  if (!o.of.empty()) r["worst_difference"] = worst_difference(p);
  if (o.density) r["densities"] = densities_of(p);
  return r;
}

std::string text(const ordered_json& value) {
  if (value == "inf") return "infinite";
  if (value == "-inf") return "-infinite";
  if (value.is_string()) return value.get<std::string>();
  return fmt::format("{:.6g}", value.get<double>());
}
std::string or_unnamed(const ordered_json& value) {
  return value == "" ? "without a name" : value.get<std::string>();
}

std::string convexity_text(const ordered_json& intervals) {
  if (intervals.empty()) return "convex everywhere";
  std::vector<std::string> parts;
  for (const auto& i : intervals) {
    parts.push_back(i[1].is_string()
                        ? fmt::format("beyond {:.4g}", i[0].get<double>())
                        : fmt::format("{:.4g} to {:.4g}", i[0].get<double>(), i[1].get<double>()));
    if (i[1].is_string() && i[0] == 0) parts.back() = "of any size";
  }
  return fmt::format("not convex for |w| {}", fmt::join(parts, ", "));
}

/// What --multiplier did.
std::string divided(const ordered_json& r) {
  if (!r["multiplier"].get<bool>()) return "";
  if (r["scale"] == 1.0) return " (not divided by a mean: none but 1, or none at all)";
  return fmt::format(" over its mean {:.6g},", 1 / r["scale"].get<double>());
}

void print_report(const ordered_json& r, std::ostream& out) {
  const auto line = [&](const char* name, const std::string& what) {
    out << fmt::format("{:<17}{}\n", name, what);
  };
  const std::string closed = r["closed_form"].get<std::string>();
  line("noise",
       fmt::format("{}{} times weights N(0, {}^2)", text(r["law"]), divided(r), text(r["sigma0"])));
  line("variance prior", or_unnamed(r["variance_prior"]));
  line("marginal prior", or_unnamed(r["marginal_prior"]) + (closed.empty() ? "" : ": " + closed));
  line("variance", text(r["variance"]));
  line("excess kurtosis", text(r["excess_kurtosis"]));
  line("density at 0", text(r["density_at_0"]));
  line("mass at 0", text(r["mass_at_0"]));
  line("mass near 0", fmt::format("{} within {:.4g} (of a normal of the same {}: {})",
                                  text(r["mass_near_0"]), kNear * r["unit"].get<double>(),
                                  r["variance"].is_string() ? "quartiles" : "variance",
                                  text(r["mass_near_0_normal"])));
  const bool power = !r["tail_exponent"].is_string();
  line("tail", fmt::format("{}{}; -d ln p / d ln |w| = {} at |w| = {:.4g}",
                           r["tail"] == "" ? "not known" : text(r["tail"]),
                           power ? ", |w|^-" + text(r["tail_exponent"]) : "",
                           text(r["tail_exponent_at_10"]), kFar * r["unit"].get<double>()));
  line("shrinkage",
       fmt::format("mean kappa {}; below {}: {}, above {}: {}", text(r["mean_kappa"]), kAlone,
                   text(r["kappa_below_0.1"]), kNothing, text(r["kappa_above_0.9"])));
  line("penalty", convexity_text(r["not_convex"]));
  if (r.contains("worst_difference")) {
    line("check", fmt::format("closed form and mixture differ by at most {:.1e} of the density",
                              r["worst_difference"].get<double>()));
  }
  if (!r.contains("densities")) return;
  out << '\n';
  Table table({"w", "density", "penalty", "slope"});
  for (const auto& row : r["densities"]) {
    table.add({text(row["w"]), text(row["density"]), text(row["penalty"]), text(row["slope"])});
  }
  table.print(out);
}

int run(const PriorOptions& o, std::ostream& out) {
  if (!o.law.empty() + !o.of.empty() + !o.fit.empty() + !o.data.empty() != 1) {
    throw ConfigError("prior: expected one of LAW, --of PRIOR, --fit FILE and --data TABLE");
  }
  if (!o.fit.empty()) return run_prior_fit(o, out);
  if (!o.data.empty()) return run_prior_table(o, out);
  if (!o.plot.empty() && !o.plot.ends_with(".svg")) {
    throw ConfigError(fmt::format("--plot: expected FILE.svg, got '{}'", o.plot));
  }
  const Prior p = prior_of(o);
  const ordered_json r = report_of(o, p);
  if (!o.plot.empty()) write_atomically(o.plot, report::svg(prior_figure(o, p)));
  if (!o.csv.empty()) write_atomically(o.csv, report::csv(prior_figure(o, p)));
  if (o.json) {
    out << r.dump(2) << '\n';
  } else {
    print_report(r, out);
    for (const std::string& file : {o.plot, o.csv}) {
      if (!file.empty()) out << "wrote " << file << '\n';
    }
  }
  return kSuccess;
}

}  // namespace

double unit_of(const Prior& p) {
  constexpr double kNormalQuartile = 0.6744897501960817;
  return std::isfinite(p.variance()) ? std::sqrt(p.variance()) : p.median_size() / kNormalQuartile;
}

double scale_of(const PriorOptions& o, const law::AnyLaw& law) {
  return o.multiplier && law.normalised() ? 1 / std::abs(law.mean()) : 1;
}

Action setup_prior(CLI::App& sub) {
  auto o = std::make_shared<PriorOptions>();
  sub.add_option("law", o->law, "Noise law: rayleigh:scale=1, half_cauchy, ...")->type_name("LAW");
  auto* sigma0 =
      sub.add_option("--sigma0", o->sigma0, "Standard deviation of the weights without noise")
          ->capture_default_str();
  auto* multiplier =
      sub.add_flag("--multiplier", o->multiplier,
                   "Of z / E z, by which a network multiplies, where E z exists; not of z");
  sub.add_option("--of", o->of, "Instead, a prior: the law that induces it")
      ->type_name("PRIOR")
      ->excludes(sigma0)
      ->excludes(multiplier);
  auto* fit =
      sub.add_option("--fit", o->fit, "Instead, weights: the laws that explain them, ranked")
          ->type_name("MODEL|RUN|FILE.npy")
          ->excludes(sigma0)
          ->excludes(multiplier);
  sub.add_option("--layer", o->layer, "Only the weights of this layer")
      ->type_name("NAME")
      ->needs(fit);
  auto* density = sub.add_flag("--density", o->density, "Print density, penalty and slope by size");
  auto* plot = writes(sub.add_option("--plot", o->plot, "Draw them, and the shrinkage profile"))
                   ->type_name("FILE.svg");
  auto* csv = writes(sub.add_option("--csv", o->csv, "Write the numbers of the picture"))
                  ->type_name("FILE");
  auto* data = sub.add_option("--data", o->data,
                              "Instead, a table: a linear model whose weights have learned scales")
                   ->type_name("NAME|FILE|FOLDER")
                   ->excludes(multiplier);
  sub.add_option("--target", o->target, "Column to predict; by default the last")
      ->type_name("COLUMN")
      ->needs(data);
  sub.add_flag("--shared", o->shared, "One scale for all columns of the table: ridge regression");
  sub.add_option("--hyper", o->hyper, "Hyper-prior of the scales: flat, inv_gamma:a=3,b=3, ...")
      ->capture_default_str()
      ->type_name("HYPER")
      ->needs(data);
  for (auto* option : {density, plot, csv}) option->excludes(fit)->excludes(data);
  sub.add_flag("--json", o->json, "Print JSON");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
