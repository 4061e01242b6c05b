#include "scalemix/train/objective.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "scalemix/base/known.h"

namespace scalemix::inline v0::train {
namespace {

void importance(std::size_t samples, const double* nll, double* w, std::size_t*) {
  const double best = *std::min_element(nll, nll + samples);
  double sum = 0;
  for (std::size_t s = 0; s < samples; ++s) sum += w[s] = std::exp(best - nll[s]);
  for (std::size_t s = 0; s < samples; ++s) w[s] /= sum;
}

void tail_adaptive(std::size_t samples, const double* nll, double* w, std::size_t* order) {
  std::iota(order, order + samples, std::size_t{0});
  std::sort(order, order + samples, [&](std::size_t a, std::size_t b) { return nll[a] < nll[b]; });
  double harmonic = 0;
  for (std::size_t s = 0; s < samples; ++s) harmonic += 1 / static_cast<double>(s + 1);
  for (std::size_t first = 0, last; first < samples; first = last) {
    double sum = 0;
    for (last = first; last < samples && nll[order[last]] == nll[order[first]]; ++last) {
      sum += 1 / static_cast<double>(last + 1);
    }
    const double share = sum / static_cast<double>(last - first) / harmonic;
    for (std::size_t s = first; s < last; ++s) w[order[s]] = share;
  }
}

}  // namespace

const std::vector<ObjectiveRow>& objectives() {
  static const std::vector<ObjectiveRow> rows{
      {"mc", "the mean log-likelihood of the draws", nullptr},
      {"importance", "the log of their mean likelihood", importance},
      {"tail_adaptive", "weighted by rank: 1, 1/2, ..., 1/S, from the best draw of a row on",
       tail_adaptive},
  };
  return rows;
}

const ObjectiveRow& objective(std::string_view name) {
  return find_row("objective", name, objectives());
}

void weigh(const ObjectiveRow& row, std::size_t samples, std::size_t count, const float* nll,
           float* w) {
  if (!row.weights) return std::fill_n(w, samples * count, 1.0f), void();
  thread_local std::vector<double> of, out;
  thread_local std::vector<std::size_t> order;
  of.resize(samples);
  out.resize(samples);
  order.resize(samples);
  for (std::size_t n = 0; n < count; ++n) {
    bool finite = true;
    for (std::size_t s = 0; s < samples; ++s) finite &= std::isfinite(of[s] = nll[s * count + n]);
    if (finite) {
      row.weights(samples, of.data(), out.data(), order.data());
    } else {
      std::fill(out.begin(), out.end(), 1 / static_cast<double>(samples));
    }
    for (std::size_t s = 0; s < samples; ++s) {
      w[s * count + n] = static_cast<float>(static_cast<double>(samples) * out[s]);
    }
  }
}

}  // namespace scalemix::inline v0::train
