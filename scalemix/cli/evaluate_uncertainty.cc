#include "scalemix/cli/evaluate_uncertainty.h"

#include <algorithm>
#include <cmath>

#include "scalemix/metric/classification.h"
#include "scalemix/metric/detection.h"
#include "scalemix/metric/selective.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;
using predict::RowPredictions;

constexpr std::size_t kPoints = 100;  // of a curve, at most

std::size_t classes_of(const RowPredictions& said) {
  return said.total.empty() ? 0 : said.p.size() / said.total.size();
}

/// The largest probability of each row.
std::vector<double> confidence(const RowPredictions& said) {
  const std::size_t classes = classes_of(said);
  std::vector<double> out;
  for (std::size_t n = 0; n < said.total.size(); ++n) {
    const auto first = said.p.begin() + static_cast<std::ptrdiff_t>(n * classes);
    out.push_back(*std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)));
  }
  return out;
}

std::vector<double> negated(std::vector<double> v) {
  for (double& x : v) x = -x;
  return v;
}

ordered_json detection(std::vector<double> own, const std::vector<double>& other) {
  std::vector<std::uint8_t> positive(own.size(), 0);
  own.insert(own.end(), other.begin(), other.end());
  positive.resize(own.size(), 1);
  return {{"auroc", metric::auroc(own, positive)},
          {"fpr95", metric::false_positive_rate(own, positive)},
          {"aupr", metric::average_precision(own, positive)}};
}

}  // namespace

ordered_json ood_json(const RowPredictions& own, const RowPredictions& other) {
  if (own.total.empty()) return {{"predictive_variance", detection(own.variance, other.variance)}};
  return {{"predictive_entropy", detection(own.total, other.total)},
          {"mutual_information", detection(own.epistemic, other.epistemic)},
          {"max_probability", detection(negated(confidence(own)), negated(confidence(other)))}};
}

ordered_json selective_json(const RowPredictions& said, const data::LabelledRows& rows) {
  std::vector<double> loss, sure;
  if (said.total.empty()) {
    for (std::size_t n = 0; n < rows.rows; ++n)
      loss.push_back(std::pow(rows.y[n] - said.mean[n], 2));
    sure = negated(said.variance);
  } else {
    sure = confidence(said);
    const std::size_t classes = classes_of(said);
    for (std::size_t n = 0; n < rows.rows; ++n) {
      const double* p = &said.p[n * classes];
      loss.push_back(std::max_element(p, p + classes) - p != rows.label[n]);
    }
  }
  const std::vector<metric::RiskPoint> curve = metric::risk_coverage(sure, loss);
  ordered_json points = ordered_json::array();
  for (std::size_t k = 1; k <= kPoints; ++k) {
    const std::size_t at = k * curve.size() / kPoints;
    if (at == 0 || (k > 1 && at == (k - 1) * curve.size() / kPoints)) continue;
    points.push_back({{"coverage", curve[at - 1].coverage}, {"risk", curve[at - 1].risk}});
  }
  return {{"aurc", metric::area_under_risk(curve)}, {"risk_coverage", points}};
}

ordered_json reliability_json(const RowPredictions& said, const data::LabelledRows& rows) {
  if (said.total.empty()) return nullptr;
  ordered_json out = ordered_json::array();
  for (const metric::ReliabilityBin& bin : metric::reliability(said.p, rows.label)) {
    if (bin.share == 0) continue;
    out.push_back({{"lower", bin.lower},
                   {"upper", bin.upper},
                   {"share", bin.share},
                   {"confidence", bin.confidence},
                   {"accuracy", bin.accuracy}});
  }
  return out;
}

report::Figure uncertainty_figure(const ordered_json& selective, const ordered_json& reliability) {
  report::Figure out{"uncertainty", {}};
  report::Series risk{"the surest rows", {}, {}};
  for (const auto& point : selective["risk_coverage"]) {
    risk.x.push_back(point["coverage"]);
    risk.y.push_back(point["risk"]);
  }
  if (!reliability.is_null()) {
    report::Series bins{"bins of rows", {}, {}, {}, report::Style::both};
    for (const auto& bin : reliability) {
      bins.x.push_back(bin["confidence"]);
      bins.y.push_back(bin["accuracy"]);
    }
    out.panels.push_back({"reliability",
                          {"confidence", false, 0.0, 1.0},
                          {"share that is right", false, 0.0, 1.0},
                          {{"as right as sure", {0, 1}, {0, 1}, {}, report::Style::dashed}, bins}});
  }
  out.panels.push_back({"answers for the surest rows alone",
                        {"share of the rows", false, 0.0, 1.0},
                        {reliability.is_null() ? "mean squared error" : "share that is wrong"},
                        {risk}});
  return out;
}

}  // namespace scalemix::inline v0::cli
