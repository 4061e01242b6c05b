// What several entries need: layers of random networks in a line, fits of lines, means.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/cli/reproduce/entry.h"
#include "scalemix/signal/simulate.h"

namespace scalemix::inline v0::cli::reproduce {

/// A layer of a random network; `law` "" is no noise. sigma_b2 = 0, no branch, width 1000 unless
/// they are set.
signal::SimulatedLayer layer(const std::string& activation, const std::string& law,
                             double sigma_w2);

/// "bernoulli:p=0.4" for a keep probability of 0.6; "" for 1.
std::string dropout(double keep);
/// "gaussian:alpha=0.0625" for a standard deviation of 0.25.
std::string gaussian(double sigma);

/// n numbers from lo to hi, ends included.
std::vector<double> spaced(double lo, double hi, std::size_t n);

/// The least-squares line.
struct Line {
  double slope = 0, intercept = 0;
};
Line fit_line(const std::vector<double>& x, const std::vector<double>& y);

struct Mean {
  double value = 0, error = 0;  // standard error; 0 for one value
};
Mean mean_of(const std::vector<double>& values);

/// A number made from several groups of draws, with the jackknife's standard error: `of` is given
/// the group to leave out, or none.
Mean jackknife(std::size_t groups, const std::function<double(std::optional<std::size_t>)>& of);

/// The correlation of one pair of inputs in each of options.nets networks, at every layer; sd and
/// error over networks. simulate() divides a sum of covariances by sums of variances: in deep
/// networks whose variances wander apart that is smaller by about var(ln q1 - ln q2) / 8.
std::vector<signal::Estimate> pair_correlations(const signal::SimulateOptions& options);

/// A 95 % interval of a mean, by Student's t; without end for one value.
struct Interval {
  double value = 0, lo = 0, hi = 0;
};
Interval interval_of(const std::vector<double>& values);
/// "0.21 [0.19, 0.24]"
std::string text_of(const Interval& interval);
/// Whether it lies below (above) the limit as a whole; empty if the limit is inside.
std::optional<bool> below(const Interval& interval, double limit);
std::optional<bool> above(const Interval& interval, double limit);
/// Whether it lies within (lo, hi) as a whole, or outside; empty if an end is inside it.
std::optional<bool> between(const Interval& interval, double lo, double hi);

/// Rows against numbers as their source gives them, "0.8336": half a unit of the last digit is
/// allowed. An error of 0 is none: computed, not drawn.
Row published(std::string quantity, const Mean& ours, std::string_view number, std::string from);
Row by_program(std::string quantity, const Mean& ours, std::string_view number, std::string from);
/// Against a range that the source gives.
Row published_range(std::string quantity, const Mean& ours, double lo, double hi, std::string from);
/// The same where the reference was drawn too.
Row drawn(Row row);

/// Against our own theory or arithmetic; `tolerance` is relative to the reference.
Row own(std::string quantity, const Mean& ours, double reference, double tolerance,
        std::string from);

}  // namespace scalemix::inline v0::cli::reproduce
