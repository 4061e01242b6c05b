// How good a predicted number is. y: targets, (N); every span has the same length.
//
// All throw std::invalid_argument for no rows or unequal lengths. Log-likelihoods are means per
// row, in nats, in the units the numbers come in; larger is better.
#pragma once

#include <cstddef>
#include <span>

namespace scalemix::inline v0::metric {

/// sqrt(mean (y - mean)^2)
double rmse(std::span<const double> y, std::span<const double> mean);

/// mean |y - mean|
double mae(std::span<const double> y, std::span<const double> mean);

/// 1 - sum (y - mean)^2 / sum (y - average y)^2; NaN if y is constant.
double r2(std::span<const double> y, std::span<const double> mean);

/// mean_n log N(y_n; mean_n, variance_n). Throws std::domain_error for a variance that is not
/// positive.
double gaussian_log_likelihood(std::span<const double> y, std::span<const double> mean,
                               std::span<const double> variance);

/// mean_n log (1/T) sum_t N(y_n; draws[t,n], 1/precision), draws (T, N): the mixture density of Gal
/// & Ghahramani (2016), per row (not the joint density of all rows). With T = 1 it is the Gaussian
/// one. Throws std::domain_error for a precision that is not positive.
double mc_log_likelihood(std::span<const double> y, std::span<const double> draws,
                         double precision);

/// Continuous ranked probability score of normal predictions, mean over rows, in the units of y: the
/// integral of the squared difference of the predicted and the observed distribution function; mean
/// |y - mean| where the variance goes to 0. Source: Gneiting & Raftery (2007), JASA 102, section 4.2. Throws
/// std::domain_error for a variance of 0 or less.
double gaussian_crps(std::span<const double> y, std::span<const double> mean,
                     std::span<const double> variance);

/// Pinball loss of predicted quantiles at `level`, mean over rows: level (y - q) where y is above q,
/// (1 - level) (q - y) where it is below (Koenker & Bassett 1978). Throws std::domain_error for a level
/// outside (0, 1).
double quantile_loss(std::span<const double> y, std::span<const double> quantile, double level);

/// Share of rows with lower <= y <= upper.
double interval_coverage(std::span<const double> y, std::span<const double> lower,
                         std::span<const double> upper);

}  // namespace scalemix::inline v0::metric
