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

/// Log-probabilities of a row of logits.
void log_softmax(std::size_t width, const float* f, double* out) {
  const double most = *std::max_element(f, f + width);
  double sum = 0;
  for (std::size_t c = 0; c < width; ++c) sum += std::exp(f[c] - most);
  for (std::size_t c = 0; c < width; ++c) out[c] = f[c] - most - std::log(sum);
}

/// Both divergences of the first two draws: KL(p || q) + KL(q || p) = sum (p - q)(log p - log q), with
/// gradient p (log p - log q - KL(p || q)) + p - q by the logits of p.
double of_classes(std::size_t width, const float* f, const float* g, double by, float* df,
                  float* dg) {
  thread_local std::vector<double> p, q;
  p.resize(width), q.resize(width);
  log_softmax(width, f, p.data()), log_softmax(width, g, q.data());
  double pq = 0, qp = 0;
  for (std::size_t c = 0; c < width; ++c) {
    pq += std::exp(p[c]) * (p[c] - q[c]);
    qp += std::exp(q[c]) * (q[c] - p[c]);
  }
  for (std::size_t c = 0; c < width; ++c) {
    const double a = std::exp(p[c]), b = std::exp(q[c]), off = p[c] - q[c];
    df[c] += static_cast<float>(by * (a * (off - pq) + a - b));
    dg[c] += static_cast<float>(by * (b * (-off - qp) + b - a));
  }
  return pq + qp;
}

/// The same of two normal laws of one precision: precision (f - g)^2.
double of_means(std::size_t width, const float* f, const float* g, const float* lp, double by,
                float* df, float* dg) {
  double sum = 0;
  for (std::size_t o = 0; o < width; ++o) {
    const double off = double(f[o]) - g[o], precision = std::exp(double(lp[o]));
    sum += precision * off * off;
    df[o] += static_cast<float>(2 * by * precision * off);
    dg[o] -= static_cast<float>(2 * by * precision * off);
  }
  return sum;
}

double r_drop(const std::vector<double>& own, std::size_t rows, std::size_t width, const float* f,
              const float* lp, float* df) {
  const double by = own[0] / 4 / static_cast<double>(rows);
  const std::size_t second = rows * width;
  double sum = 0;
  for (std::size_t at = 0; at < second; at += width) {
    const float *a = f + at, *b = f + second + at;
    float *da = df + at, *db = df + second + at;
    sum += lp ? of_means(width, a, b, lp, by, da, db) : of_classes(width, a, b, by, da, db);
  }
  return by * sum;
}

}  // namespace

const std::vector<ObjectiveRow>& objectives() {
  static const std::vector<ObjectiveRow> rows{
      {"mc", "the mean log-likelihood of the draws", nullptr},
      {"importance", "the log of their mean likelihood", importance},
      {"tail_adaptive", "weighted by rank: 1, 1/2, ..., 1/S, from the best draw of a row on",
       tail_adaptive},
      {"r_drop",
       "the mean log-likelihood, less what two draws differ by (needs --train-samples 2)",
       nullptr,
       {{"alpha", 1, 0, 1e6, false, false, "weight of the divergences between the draws"}},
       r_drop},
      {"distil",
       "answers of a teacher, and the labels (needs --teacher)",
       nullptr,
       {{"temperature", 4, 1e-3, 1e6, false, false, "that divides both networks' outputs"},
        {"hard", 0.1, 0, 1, false, false, "share of the labels"},
        {"samples", 0, 0, 1e6, false, false, "Monte-Carlo draws of the teacher; 0: none"}},
       nullptr,
       true},
  };
  return rows;
}

Objective::Objective(std::string_view word) {
  const auto [name, rest] = split_word(word);
  row_ = &find_row("objective", name, objectives());
  own_ = read_values(name, row_->parameters, rest).values;
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
