#include "scalemix/metric/classification.h"

#include <algorithm>
#include <cmath>

#include "scalemix/base/check.h"
#include "scalemix/base/order.h"

namespace scalemix::inline v0::metric {
namespace {

/// Probabilities and labels whose sizes and labels are right.
struct Rows {
  std::span<const double> p;
  std::span<const std::int32_t> label;
  std::size_t classes;

  Rows(const char* who, std::span<const double> p, std::span<const std::int32_t> label)
      : p(p), label(label), classes(0) {
    check(!label.empty(), who, "no rows");
    check(!p.empty() && p.size() % label.size() == 0, who, "probabilities must be (rows, classes)");
    classes = p.size() / label.size();
    for (const std::int32_t k : label) {
      if (k < 0 || static_cast<std::size_t>(k) >= classes) {
        fail<std::domain_error>(who, "label must be below the number of classes", k);
      }
    }
  }

  std::size_t count() const { return label.size(); }
  std::span<const double> row(std::size_t n) const { return p.subspan(n * classes, classes); }
  std::size_t guess(std::size_t n) const {
    const auto r = row(n);
    return static_cast<std::size_t>(std::max_element(r.begin(), r.end()) - r.begin());
  }
  bool right(std::size_t n) const {
    return guess(n) == static_cast<std::size_t>(label[n]) && !std::isnan(row(n)[guess(n)]);
  }
};

struct Bin {
  double count = 0;
  double right = 0, confidence = 0;
};

}  // namespace

double accuracy(std::span<const double> p, std::span<const std::int32_t> label) {
  const Rows rows("accuracy", p, label);
  std::size_t right = 0;
  for (std::size_t n = 0; n < rows.count(); ++n) right += rows.right(n);
  return static_cast<double>(right) / static_cast<double>(rows.count());
}

double error_rate(std::span<const double> p, std::span<const std::int32_t> label) {
  return 1 - accuracy(p, label);
}

double nll(std::span<const double> p, std::span<const std::int32_t> label) {
  const Rows rows("nll", p, label);
  double sum = 0;
  for (std::size_t n = 0; n < rows.count(); ++n) sum -= std::log(rows.row(n)[label[n]]);
  return sum / static_cast<double>(rows.count());
}

double brier(std::span<const double> p, std::span<const std::int32_t> label) {
  const Rows rows("brier", p, label);
  double sum = 0;
  for (std::size_t n = 0; n < rows.count(); ++n) {
    for (std::size_t c = 0; c < rows.classes; ++c) {
      const double miss = rows.row(n)[c] - (c == static_cast<std::size_t>(label[n]));
      sum += miss * miss;
    }
  }
  return sum / static_cast<double>(rows.count());
}

namespace {

/// Rows by their confidence.
std::vector<Bin> fill_bins(const char* who, const Rows& rows, std::size_t bins) {
  if (bins == 0) fail<std::domain_error>(who, "bins must be at least 1", bins);
  std::vector<Bin> bin(bins);
  for (std::size_t n = 0; n < rows.count(); ++n) {
    const double confidence = rows.row(n)[rows.guess(n)];
    const double edge = std::ceil(confidence * static_cast<double>(bins));
    // Written so that NaN falls in a bin too, and makes the result NaN.
    const double clipped = edge > 1 ? std::min(edge, static_cast<double>(bins)) : 1;
    Bin& b = bin[static_cast<std::size_t>(clipped) - 1];
    ++b.count;
    b.right += rows.right(n);
    b.confidence += confidence;
  }
  return bin;
}

}  // namespace

double calibration_error(std::span<const double> p, std::span<const std::int32_t> label,
                         std::size_t bins) {
  const Rows rows("calibration_error", p, label);
  double sum = 0;
  for (const Bin& b : fill_bins("calibration_error", rows, bins)) {
    sum += std::abs(b.right - b.confidence);
  }
  return sum / static_cast<double>(rows.count());
}

std::vector<ReliabilityBin> reliability(std::span<const double> p,
                                        std::span<const std::int32_t> label, std::size_t bins) {
  const Rows rows("reliability", p, label);
  std::vector<ReliabilityBin> out;
  for (const Bin& b : fill_bins("reliability", rows, bins)) {
    const auto width = 1 / static_cast<double>(bins);
    const double lower = static_cast<double>(out.size()) * width;
    out.push_back({lower, lower + width, b.count / static_cast<double>(rows.count()),
                   b.confidence / b.count, b.right / b.count});
  }
  return out;
}

std::vector<std::size_t> confusion(std::span<const double> p, std::span<const std::int32_t> label) {
  const Rows rows("confusion", p, label);
  std::vector<std::size_t> table(rows.classes * rows.classes);
  for (std::size_t n = 0; n < rows.count(); ++n) {
    ++table[static_cast<std::size_t>(label[n]) * rows.classes + rows.guess(n)];
  }
  return table;
}

double auroc(std::span<const double> score, std::span<const std::uint8_t> positive) {
  check(score.size() == positive.size(), "auroc", "spans must have the same length");
  for (const double s : score) {
    if (std::isnan(s)) fail<std::domain_error>("auroc", "score must not be NaN", s);
  }
  const std::vector<std::size_t> order = rising_order(score);
  double positives = 0, negatives = 0, wins = 0;
  for (std::size_t i = 0; i < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    const double s = score[order[i]];
    for (; i < order.size() && score[order[i]] == s; ++i) {
      ++(positive[order[i]] ? tied_positives : tied_negatives);
    }
    wins += tied_positives * (negatives + tied_negatives / 2);
    positives += tied_positives;
    negatives += tied_negatives;
  }
  check(positives > 0 && negatives > 0, "auroc", "needs positive and negative rows");
  return wins / (positives * negatives);
}

}  // namespace scalemix::inline v0::metric
