// What a step makes of S draws of the noise for every row: with l_s the log-likelihood of row n under
// draw s,
//
//   mc              mean_n (1/S) sum_s l_s          a lower bound of the next
//   importance      mean_n log (1/S) sum_s exp l_s  gradient sum_s w_s dl_s, w = softmax(l)
//   tail_adaptive   mean_n sum_s w_s l_s, w_s = 1 / (rank_s H_S): ranks from 1 for the largest l_s,
//                   H_S = 1 + 1/2 + ... + 1/S
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

namespace scalemix::inline v0::train {

struct ObjectiveRow {
  std::string_view name, summary;
  /// w (S) from nll (S): sums to 1. `order` (S) is room. Null: 1 / S.
  void (*weights)(std::size_t samples, const double* nll, double* w, std::size_t* order);
};

const std::vector<ObjectiveRow>& objectives();

/// Throws ConfigError for an unknown name.
const ObjectiveRow& objective(std::string_view name);

/// Weights of all rows: nll and w (S, count), S times those of ObjectiveRow, so that their mean is 1.
/// A row with an nll that is not finite has weights 1: the step's loss says what happened.
void weigh(const ObjectiveRow& row, std::size_t samples, std::size_t count, const float* nll,
           float* w);

}  // namespace scalemix::inline v0::train
