// Nalisnick, Hernandez-Lobato & Smyth (2019), the table of noise laws and the priors they put on a
// weight v = z w, w ~ N(0, 1): spike and slab, generalised hyperbolic, Laplace, Student-t, horseshoe.
// The paper gives names. Each name's density is held against the mixture that the law makes by
// quadrature, and its distribution against draws z w.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::cli::reproduce {
namespace {

struct Named {
  const char *law, *prior;
};
constexpr Named kTable[] = {
    {"bernoulli:p=0.3", "spike_slab"},    {"normal:scale=0.7", "generalised_hyperbolic"},
    {"rayleigh:scale=0.5", "laplace"},    {"inverse_nakagami:shape=1.5,omega=2", "student_t"},
    {"half_cauchy:scale=1", "horseshoe"},
};

std::vector<float> draws_of(const law::AnyLaw& law, std::size_t n, std::uint64_t seed) {
  const law::AnyLaw normal = law::AnyLaw::parse("normal:scale=1");
  std::vector<float> z(n), w(n);
  const kernel::Site site{.rows = 1, .columns = n};
  kernel::draws(law.raw(), {seed, stream_id(Purpose::generate, 1), 0}, site, z.data());
  kernel::draws(normal.raw(), {seed, stream_id(Purpose::generate, 2), 0}, site, w.data());
  for (std::size_t i = 0; i < n; ++i) z[i] *= w[i];
  std::sort(z.begin(), z.end());
  return z;
}

/// Largest difference of two distribution functions, at places away from an atom at 0.
double kolmogorov(const prior::Prior& p, const std::vector<float>& sorted) {
  constexpr int kPlaces = 400;
  const auto n = static_cast<double>(sorted.size());
  double worst = 0;
  for (int i = 0; i < kPlaces; ++i) {
    const double size = p.median_size() * std::pow(1000.0, i / (kPlaces / 2 - 1.0) - 1);
    for (const double v : {-size, size}) {
      const auto below = std::upper_bound(sorted.begin(), sorted.end(), static_cast<float>(v));
      const double share = static_cast<double>(below - sorted.begin()) / n;
      worst = std::max(worst, std::abs(share - p.cdf(static_cast<float>(v))));
    }
  }
  return worst;
}

double worst_difference(const prior::Prior& p) {
  double worst = 0;
  for (double v = 1e-3; v <= 10; v *= 1.1) {
    const double at = v * p.median_size();
    worst =
        std::max(worst, std::abs(std::expm1(p.mixture().at(at).log_density - p.log_density(at))));
  }
  return worst;
}

report::Series density(const std::string& label, const prior::Prior& p) {
  report::Series out{label};
  for (double v = -6; v <= 6; v += 0.05) {
    if (std::abs(v) < 1e-9) continue;
    out.x.push_back(v);
    out.y.push_back(p.density(v * p.median_size()) * p.median_size());
  }
  return out;
}

/// Nothing expected, at most `most`.
Row at_most(std::string quantity, double value, double most, std::string from) {
  return {std::move(quantity), value, {}, 0, most, std::move(from), Against::own};
}

}  // namespace

Result noise_prior_table(const Effort& effort) {
  const std::size_t n = effort.pick<std::size_t>(20'000, 1'000'000, 10'000'000);
  // Of a Kolmogorov-Smirnov test at 0.1 %.
  const double critical = 1.95 / std::sqrt(static_cast<double>(n));
  Result result;
  report::Panel panel{"densities, in units of the median size", {"w"}, {"p(w)", true}};
  std::uint64_t k = 0;
  for (const Named& row : kTable) {
    const law::AnyLaw law = law::AnyLaw::parse(row.law);
    const prior::Prior p = prior::Prior::induced(law);
    const std::string what = fmt::format("{}: {}", row.law, p.name());
    const bool named = p.name().starts_with(row.prior);
    result.rows.push_back({what + ": the name is the table's",
                           named ? 1.0 : 0.0,
                           {},
                           1,
                           0,
                           "the paper's table",
                           Against::own});
    result.rows.push_back(at_most(what + ": density against quadrature, relative",
                                  worst_difference(p), 1e-9, "the mixture by quadrature"));
    result.rows.push_back(at_most(fmt::format("{}: distribution against {} draws", what, n),
                                  kolmogorov(p, draws_of(law, n, effort.seed_of(++k))), critical,
                                  "draws; Kolmogorov-Smirnov at 0.1 %"));
    panel.series.push_back(density(p.name(), p));
  }
  const prior::Prior normal = prior::Prior::parse("normal:scale=1");
  panel.series.push_back(density("normal", normal));
  panel.series.back().style = report::Style::dashed;
  result.figure = {"the prior of a weight under noise", {panel}};
  result.notes = {"sigma0 = 1; the part of spike and slab that has a density is drawn"};
  return result;
}

}  // namespace scalemix::inline v0::cli::reproduce
