// Two methods, or several against one, measured on the same problems (seeds, splits): differences of pairs,
// and corrections for making many comparisons at once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace scalemix::inline v0::metric {

/// Of a - b.
struct PairedTest {
  double mean = 0, error = 0;  // standard error
  double p = 1;                // two-sided, Student's t of n - 1; 1 where all differences are 0
};
/// Throws std::invalid_argument unless a and b have the same number of values, two at least;
/// std::domain_error for NaN.
PairedTest paired_t(std::span<const double> a, std::span<const double> b);

/// The difference that two means of n pairs with this standard error of the difference show with
/// probability `power` in a two-sided test at `level`: what "not resolved" could have missed.
double detectable(double error, std::size_t n, double level = 0.05, double power = 0.8);

/// Probabilities of m comparisons made together, in their order: the i-th smallest times m + 1 - i, made
/// monotone (Holm 1979).
std::vector<double> holm(std::span<const double> p);

/// Nemenyi's critical difference of mean ranks of k methods on n problems: q sqrt(k (k + 1) / (6 n)), q the
/// upper `level` point of the studentised range of k with infinitely many degrees of freedom, over
/// sqrt(2). Source: Demsar (2006), JMLR 7. Throws std::domain_error for k < 2, n < 1.
double critical_difference(std::size_t methods, std::size_t problems, double level = 0.05);

/// P(range of k standard normal draws < q).
double normal_range_cdf(double q, std::size_t k);

}  // namespace scalemix::inline v0::metric
