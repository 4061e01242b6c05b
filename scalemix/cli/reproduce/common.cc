#include "scalemix/cli/reproduce/common.h"

#include <fmt/format.h>

#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>

#include "scalemix/base/check.h"
#include "scalemix/base/parallel.h"

namespace scalemix::inline v0::cli::reproduce {

signal::SimulatedLayer layer(const std::string& activation, const std::string& law,
                             double sigma_w2) {
  signal::SimulatedLayer out{signal::Activation::parse(activation)};
  if (!law.empty()) out.law = law::AnyLaw::parse(law);
  out.sigma_w2 = sigma_w2;
  return out;
}

std::string dropout(double keep) {
  return keep == 1 ? "" : fmt::format("bernoulli:p={:.12g}", 1 - keep);
}

std::string gaussian(double sigma) { return fmt::format("gaussian:alpha={:.12g}", sigma * sigma); }

std::vector<double> spaced(double lo, double hi, std::size_t n) {
  std::vector<double> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back(lo + (hi - lo) * static_cast<double>(i) / static_cast<double>(n - 1));
  }
  return out;
}

Line fit_line(const std::vector<double>& x, const std::vector<double>& y) {
  check(x.size() == y.size() && x.size() >= 2, "fit_line", "needs two points at least");
  const double mx = mean_of(x).value, my = mean_of(y).value;
  double xx = 0, xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mx) * (x[i] - mx);
    xy += (x[i] - mx) * (y[i] - my);
  }
  return {xy / xx, my - xy / xx * mx};
}

Mean mean_of(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  Mean out;
  for (const double v : values) out.value += v / n;
  if (values.size() < 2) return out;
  double squares = 0;
  for (const double v : values) squares += (v - out.value) * (v - out.value);
  out.error = std::sqrt(squares / (n - 1) / n);
  return out;
}

Mean jackknife(std::size_t groups, const std::function<double(std::optional<std::size_t>)>& of) {
  std::vector<double> without;
  for (std::size_t g = 0; g < groups; ++g) without.push_back(of(g));
  return {of({}), static_cast<double>(groups - 1) * mean_of(without).error};
}

std::vector<signal::Estimate> pair_correlations(const signal::SimulateOptions& options) {
  const std::size_t layers = options.layers.size() + 1;
  std::vector<std::vector<double>> c(layers, std::vector<double>(options.nets));
  parallel_tiles(options.nets, [&](std::size_t net) {
    signal::SimulateOptions one = options;
    one.nets = one.pairs = 1;
    one.seed = Effort{.seed = options.seed}.seed_of((net + 1) << 32);
    const signal::Simulated simulated = simulate(one);
    for (std::size_t l = 0; l < layers; ++l) c[l][net] = simulated.layers[l].c.value().mean;
  });
  std::vector<signal::Estimate> out;
  for (const std::vector<double>& values : c) {
    const Mean mean = mean_of(values);
    out.push_back(
        {mean.value, mean.error * std::sqrt(static_cast<double>(options.nets)), mean.error});
  }
  return out;
}

Interval interval_of(const std::vector<double>& values) {
  const Mean mean = mean_of(values);
  if (values.size() < 2) {
    constexpr double kInf = std::numeric_limits<double>::infinity();
    return {mean.value, -kInf, kInf};
  }
  const boost::math::students_t law(static_cast<double>(values.size()) - 1);
  const double half = quantile(law, 0.975) * mean.error;
  return {mean.value, mean.value - half, mean.value + half};
}

std::string text_of(const Interval& i) {
  if (std::isinf(i.lo)) return fmt::format("{:.3g}, one seed", i.value);
  return fmt::format("{:.3g} [{:.3g}, {:.3g}]", i.value, i.lo, i.hi);
}

std::optional<bool> below(const Interval& i, double limit) {
  if (i.hi < limit) return true;
  return i.lo > limit ? std::optional(false) : std::nullopt;
}

std::optional<bool> above(const Interval& i, double limit) {
  if (i.lo > limit) return true;
  return i.hi < limit ? std::optional(false) : std::nullopt;
}

std::optional<bool> between(const Interval& i, double lo, double hi) {
  if (i.lo > lo && i.hi < hi) return true;
  return i.hi < lo || i.lo > hi ? std::optional(false) : std::nullopt;
}

namespace {

/// Half a unit of the last digit of "0.8336" or "3.4e-5".
double half_unit(std::string_view number) {
  const std::size_t exponent = number.find_first_of("eE"), point = number.find('.');
  const std::string_view digits = number.substr(0, exponent);
  const int behind = point == digits.npos ? 0 : static_cast<int>(digits.size() - point - 1);
  const int power =
      exponent == number.npos ? 0 : std::stoi(std::string(number.substr(exponent + 1)));
  return 0.5 * std::pow(10.0, power - behind);
}

Row against(Against whom, std::string quantity, const Mean& ours, double reference,
            double tolerance, std::string from) {
  Row row{std::move(quantity), ours.value, {}, reference, tolerance, std::move(from), whom};
  if (ours.error > 0) row.error = ours.error;
  return row;
}

Row given(Against whom, std::string quantity, const Mean& ours, std::string_view number,
          std::string from) {
  // What lies on the edge of rounding is inside.
  return against(whom, std::move(quantity), ours, std::stod(std::string(number)),
                 half_unit(number) * (1 + 1e-9), std::move(from));
}

}  // namespace

Row published(std::string quantity, const Mean& ours, std::string_view number, std::string from) {
  return given(Against::published, std::move(quantity), ours, number, std::move(from));
}

Row by_program(std::string quantity, const Mean& ours, std::string_view number, std::string from) {
  return given(Against::program, std::move(quantity), ours, number, std::move(from));
}

Row published_range(std::string quantity, const Mean& ours, double lo, double hi,
                    std::string from) {
  return against(Against::published, std::move(quantity), ours, (lo + hi) / 2, (hi - lo) / 2,
                 std::move(from));
}

Row drawn(Row row) {
  row.drawn = true;
  return row;
}

Row own(std::string quantity, const Mean& ours, double reference, double tolerance,
        std::string from) {
  return against(Against::own, std::move(quantity), ours, reference,
                 tolerance * std::abs(reference), std::move(from));
}

}  // namespace scalemix::inline v0::cli::reproduce
