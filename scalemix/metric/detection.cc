#include "scalemix/metric/detection.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "scalemix/base/check.h"
#include "scalemix/base/order.h"

namespace scalemix::inline v0::metric {
namespace {

struct Counts {
  double positives = 0, negatives = 0;
};

Counts count(std::span<const double> score, std::span<const std::uint8_t> positive) {
  check(score.size() == positive.size(), "detection", "scores and kinds of different numbers");
  Counts out;
  for (std::size_t i = 0; i < score.size(); ++i) {
    if (std::isnan(score[i])) fail<std::domain_error>("detection", "a score is NaN", score[i]);
    (positive[i] ? out.positives : out.negatives) += 1;
  }
  check(out.positives > 0 && out.negatives > 0, "detection", "expected positives and negatives");
  return out;
}

/// Calls f(positives, negatives) with those above each distinct score and at it, from the largest on; f
/// returns whether it has seen enough.
template <class F>
void walk(std::span<const double> score, std::span<const std::uint8_t> positive, const F& f) {
  const std::vector<std::size_t> order = falling_order(score);
  Counts seen;
  for (std::size_t i = 0; i < order.size();) {
    const double at = score[order[i]];
    for (; i < order.size() && score[order[i]] == at; ++i) {
      (positive[order[i]] ? seen.positives : seen.negatives) += 1;
    }
    if (f(seen)) return;
  }
}

}  // namespace

double false_positive_rate(std::span<const double> score, std::span<const std::uint8_t> positive,
                           double rate) {
  const Counts all = count(score, positive);
  double out = 1;
  walk(score, positive, [&](const Counts& seen) {
    out = seen.negatives / all.negatives;
    return seen.positives >= rate * all.positives;
  });
  return out;
}

double average_precision(std::span<const double> score, std::span<const std::uint8_t> positive) {
  const Counts all = count(score, positive);
  double out = 0, recall = 0;
  walk(score, positive, [&](const Counts& seen) {
    const double now = seen.positives / all.positives;
    out += (now - recall) * seen.positives / (seen.positives + seen.negatives);
    recall = now;
    return false;
  });
  return out;
}

}  // namespace scalemix::inline v0::metric
