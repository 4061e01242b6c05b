// Selective prediction: what is lost if a model answers only where it is surest. confidence (N), larger where
// surer; loss (N) of each row, such as 1 where it is wrong.
#pragma once

#include <span>
#include <vector>

namespace scalemix::inline v0::metric {

/// Of the n surest rows: coverage n / N and risk, their mean loss.
struct RiskPoint {
  double coverage, risk;
};
/// For n = 1 ... N. Rows of equal confidence share their mean loss, so that their order does not matter.
/// Source: El-Yaniv & Wiener (2010), JMLR 11; Geifman & El-Yaniv (2017). Throws std::invalid_argument for
/// no rows or unequal lengths, std::domain_error for NaN.
std::vector<RiskPoint> risk_coverage(std::span<const double> confidence,
                                     std::span<const double> loss);

/// Area under that curve: the mean risk over all coverages; smaller is better.
double area_under_risk(std::span<const RiskPoint> curve);

}  // namespace scalemix::inline v0::metric
