// Likelihoods of a batch and their gradients: mean over rows of the negative log-likelihood, in
// nats, summed in double.
//
//   categorical  log sum_c e^f_c - f_label
//   gaussian     sum_o [ e^lp_o (t_o - f_o)^2 - lp_o + log 2 pi ] / 2
//
// with f the outputs, t the targets and lp the log of the noise precision. With weights of the rows,
// the mean of what each gives times its weight.
#pragma once

#include <cstddef>
#include <cstdint>

namespace scalemix::inline v0::kernel {

/// f (rows, classes), label (rows) below classes; df (rows, classes) is overwritten and may be f.
double categorical_nll(std::size_t rows, std::size_t classes, const float* f,
                       const std::int64_t* label, float* df, const float* weights = nullptr);

/// What a student makes of a teacher (Hinton, Vinyals & Dean 2015): with q and p the softmax of the
/// teacher's log-probabilities and of f, both divided by the temperature T,
///
///   mean over rows of  hard (log sum_c e^f_c - f_label) + (1 - hard) T^2 sum_c q_c log(q_c / p_c)
///
/// f, df (rows, classes); row (rows) are numbers of rows of `label` and `soft` (., classes).
double distil_nll(std::size_t rows, std::size_t classes, const float* f, const std::int64_t* row,
                  const std::int32_t* label, const float* soft, double temperature, double hard,
                  float* df);

/// f, t (rows, outputs), lp (outputs); df (rows, outputs) may be f; dlp (outputs) may be null.
double gaussian_nll(std::size_t rows, std::size_t outputs, const float* f, const float* t,
                    const float* lp, float* df, float* dlp, const float* weights = nullptr);

/// Of each row by itself: nll (rows).
void categorical_nlls(std::size_t rows, std::size_t classes, const float* f,
                      const std::int64_t* label, float* nll);
void gaussian_nlls(std::size_t rows, std::size_t outputs, const float* f, const float* t,
                   const float* lp, float* nll);

}  // namespace scalemix::inline v0::kernel
