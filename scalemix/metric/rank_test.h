// Whether several methods, measured on the same problems, differ: tests on ranks, which ask for no
// normal errors and no common scale of the problems.
//
// `values` are row-major, a row for each of n problems, a column for each of k methods, larger is
// better; rank 1 is the best, equal values share the mean of their ranks. No correction for ties.
//
//   friedman         chi^2 = 12 n / (k (k + 1)) (sum of R_j^2 - k (k + 1)^2 / 4), R_j mean ranks,
//                    chi^2 law of k - 1
//   iman_davenport   F = (n - 1) chi^2 / (n (k - 1) - chi^2), less conservative
//   aligned_ranks    ranks over all values less their row's mean: problems compare too; chi^2 law
//   quade            rows weigh by the rank of their range; F
//
// F laws have k - 1 and (k - 1)(n - 1) degrees of freedom.
//
// Source: Demsar (2006), Statistical comparisons of classifiers over multiple data sets, JMLR 7;
// Garcia, Fernandez, Luengo & Herrera (2010), Advanced nonparametric tests for multiple
// comparisons, Information Sciences 180; Conover (1999), Practical nonparametric statistics.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace scalemix::inline v0::metric {

struct RankTest {
  double statistic = 0;           // infinite where every row has the same order without ties
  double p = 1;                   // probability of it or more if the methods are alike
  std::vector<double> mean_rank;  // of each method; aligned_ranks: over all values
};

// All throw std::invalid_argument unless there are two methods and two problems at least and
// `values` fills its rows; std::domain_error for NaN.
RankTest friedman(std::span<const double> values, std::size_t methods);
RankTest iman_davenport(std::span<const double> values, std::size_t methods);
RankTest aligned_ranks(std::span<const double> values, std::size_t methods);
RankTest quade(std::span<const double> values, std::size_t methods);

/// Two-sided probabilities that each other method has the mean rank of `control` (friedman's
/// ranks, a normal law), adjusted by finner(); 1 for the control itself. Throws
/// std::invalid_argument if control is no method.
std::vector<double> against_control(std::span<const double> values, std::size_t methods,
                                    std::size_t control);

/// Probabilities of m comparisons made together, in their order: with the i-th smallest p_i,
/// max over j <= i of 1 - (1 - p_j)^(m / j). Source: Finner (1993), On a monotonicity problem in
/// step-down multiple test procedures, JASA 88.
std::vector<double> finner(std::span<const double> p);

}  // namespace scalemix::inline v0::metric
