// What a step makes of S draws of the noise for every row: with l_s the log-likelihood of row n under
// draw s,
//
//   mc              mean_n (1/S) sum_s l_s          a lower bound of the next
//   importance      mean_n log (1/S) sum_s exp l_s  gradient sum_s w_s dl_s, w = softmax(l)
//   r_drop          mean_n (1/S) sum_s l_s - alpha / 4 sum of both divergences between draws 1 and 2
//   distil          from a teacher: l_s is minus kernel/loss.h's distil_nll
//   tail_adaptive   mean_n sum_s w_s l_s, w_s = 1 / (rank_s H_S): ranks from 1 for the largest l_s,
//                   H_S = 1 + 1/2 + ... + 1/S
//
// r_drop: of two draws, with the published weight alpha / 2 of both divergences next to the sum of both
// cross-entropies, all divided by 2; of a regression, of N(mean, noise) under each draw. Programs differ
// by a factor of 2 in what they call alpha (Liang et al. 2021: this is the translation program's).
//
// Weights are constants of the gradient. Draws that are equally good share the mean of their weights.
// The logged nll of a step is mean_n sum_s w_s (-l_s) in all three.
//
// Sources: Burda, Grosse & Salakhutdinov (2016), Importance weighted autoencoders; Wang, Liu & Liu
// (2018), Variational inference with tail-adaptive f-divergence, beta = -1; Nalisnick, Hernandez-Lobato
// & Smyth (2019), who join them to dropout
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"

namespace scalemix::inline v0::train {

struct ObjectiveRow {
  std::string_view name, summary;
  /// w (S) from nll (S): sums to 1. `order` (S) is room. Null: 1 / S.
  void (*weights)(std::size_t samples, const double* nll, double* w, std::size_t* order);
  std::vector<Parameter> parameters = {};
  /// Adds what compares draws of a row, its mean over `rows` rows of the S, to the loss and to df (S,
  /// rows, width); f are logits, or means under the log precision lp (width). Null: nothing does.
  double (*extra)(const std::vector<double>& own, std::size_t rows, std::size_t width,
                  const float* f, const float* lp, float* df) = nullptr;
  bool soft = false;  // learns from a teacher's answers (kernel::distil_nll)
};

const std::vector<ObjectiveRow>& objectives();

/// "r_drop:alpha=1", read once.
class Objective {
 public:
  /// Throws ConfigError or std::domain_error, as words do.
  explicit Objective(std::string_view word);
  const ObjectiveRow& row() const { return *row_; }
  const std::vector<double>& own() const { return own_; }

 private:
  const ObjectiveRow* row_;
  std::vector<double> own_;
};

/// Weights of all rows: nll and w (S, count), S times those of ObjectiveRow, so that their mean is 1.
/// A row with an nll that is not finite has weights 1: the step's loss says what happened.
void weigh(const ObjectiveRow& row, std::size_t samples, std::size_t count, const float* nll,
           float* w);

}  // namespace scalemix::inline v0::train
