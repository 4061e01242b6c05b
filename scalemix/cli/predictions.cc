#include "scalemix/cli/predictions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "scalemix/base/csv_cell.h"
#include "scalemix/cli/models.h"
#include "scalemix/law/standard_normal.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

bool regression(const Predictions& p) { return p.network->spec().task == Task::regression; }

/// Names of the columns of one target, the first column of its prediction.
constexpr const char* kParts[] = {"prediction",   "sd",    "epistemic_sd",
                                  "aleatoric_sd", "lower", "upper"};

/// Whether a part is a number on the target's scale, which its origin is added to; the others are spreads.
bool is_place(std::size_t part) { return part == 0 || part > 3; }

/// The numbers under kParts, less the target's origin.
std::vector<float> parts(const Predictions& p, std::size_t i) {
  const double mean = p.values.mean[i];
  const double epistemic = p.values.epistemic[i], aleatoric = p.values.aleatoric[i];
  const double sd = std::sqrt(epistemic + aleatoric);
  const bool conformal = p.calibration.level > 0;
  const double half =
      (conformal ? p.calibration.quantile : -law::standard_normal_quantile((1 - p.interval) / 2)) *
      sd;
  std::vector<float> out;
  for (const double v :
       {mean, sd, std::sqrt(epistemic), std::sqrt(aleatoric), mean - half, mean + half}) {
    out.push_back(static_cast<float>(v));
  }
  return out;
}

std::string suffix(std::size_t outputs, std::size_t o) {
  return outputs == 1 ? "" : fmt::format("_{}", o + 1);
}

std::size_t winner(const Predictions& p, std::size_t row) {
  const std::size_t classes = p.network->outputs();
  const auto first = p.values.mean.begin() + static_cast<std::ptrdiff_t>(row * classes);
  return static_cast<std::size_t>(
      std::max_element(first, first + static_cast<std::ptrdiff_t>(classes)) - first);
}

/// Names of the classes in a row's conformal set.
std::vector<std::string> set_of(const Predictions& p, std::size_t row) {
  std::vector<std::string> out;
  for (std::size_t c = 0; c < p.network->outputs(); ++c) {
    const double probability = p.values.mean[row * p.network->outputs() + c];
    if (1 - probability > p.calibration.quantile) continue;
    out.push_back(class_name(p.network->preprocessing(), c));
  }
  return out;
}

void csv_head(const Predictions& p, std::string& out) {
  out += "row";
  if (!p.ids.empty()) out += "," + csv_cell(p.id);
  const std::size_t outputs = p.network->outputs();
  if (regression(p)) {
    for (std::size_t o = 0; o < outputs; ++o) {
      for (const char* part : kParts) out += fmt::format(",{}{}", part, suffix(outputs, o));
    }
  } else {
    out += ",prediction";
    for (std::size_t c = 0; c < outputs; ++c) {
      out += "," + csv_cell("p_" + class_name(p.network->preprocessing(), c));
    }
    out += ",total,aleatoric,epistemic";
    if (p.calibration.level > 0) out += ",set";
  }
  out += '\n';
}

void csv_row(const Predictions& p, std::size_t row, std::string& out) {
  const std::size_t outputs = p.network->outputs();
  const double origin = p.network->preprocessing().target_origin;
  const auto number = [&](float v) { fmt::format_to(std::back_inserter(out), ",{}", v); };
  fmt::format_to(std::back_inserter(out), "{}", row + 1);
  if (!p.ids.empty()) out += "," + csv_cell(p.ids[row]);
  if (regression(p)) {
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::vector<float> values = parts(p, row * outputs + o);
      for (std::size_t k = 0; k < values.size(); ++k) {
        if (origin != 0 && is_place(k)) {  // with more digits than a float has
          fmt::format_to(std::back_inserter(out), ",{}", values[k] + origin);
        } else {
          number(values[k]);
        }
      }
    }
  } else {
    out += "," + csv_cell(class_name(p.network->preprocessing(), winner(p, row)));
    for (std::size_t c = 0; c < outputs; ++c) number(p.values.mean[row * outputs + c]);
    number(p.values.aleatoric[row] + p.values.epistemic[row]);
    number(p.values.aleatoric[row]);
    number(p.values.epistemic[row]);
    if (p.calibration.level > 0) {
      out += "," + csv_cell(fmt::format("{}", fmt::join(set_of(p, row), "|")));
    }
  }
  out += '\n';
}

ordered_json json_row(const Predictions& p, std::size_t row) {
  const std::size_t outputs = p.network->outputs();
  ordered_json out = {{"row", row + 1}};
  if (!p.ids.empty()) out["id"] = p.ids[row];
  if (regression(p)) {
    for (std::size_t o = 0; o < outputs; ++o) {
      const std::vector<float> values = parts(p, row * outputs + o);
      for (std::size_t k = 0; k < values.size(); ++k) {
        const double origin = is_place(k) ? p.network->preprocessing().target_origin : 0;
        ordered_json& to = out[kParts[k] + suffix(outputs, o)];
        to = values[k];
        if (origin != 0) to = values[k] + origin;
      }
    }
    return out;
  }
  out["prediction"] = class_name(p.network->preprocessing(), winner(p, row));
  for (std::size_t c = 0; c < outputs; ++c) {
    out["probabilities"][class_name(p.network->preprocessing(), c)] =
        p.values.mean[row * outputs + c];
  }
  out["total"] = p.values.aleatoric[row] + p.values.epistemic[row];
  out["aleatoric"] = p.values.aleatoric[row];
  out["epistemic"] = p.values.epistemic[row];
  if (p.calibration.level > 0) out["set"] = set_of(p, row);
  return out;
}

}  // namespace

std::string to_csv(const Predictions& p) {
  std::string out;
  csv_head(p, out);
  for (std::size_t row = 0; row < p.rows; ++row) csv_row(p, row, out);
  return out;
}

ordered_json to_json(const Predictions& p) {
  ordered_json out = {{"task", regression(p) ? "regression" : "classification"},
                      {"networks", p.networks},
                      {"samples", p.samples},
                      {"seed", p.seed}};
  if (!p.network->preprocessing().target.empty()) out["target"] = p.network->preprocessing().target;
  if (regression(p)) out["interval"] = p.calibration.level > 0 ? p.calibration.level : p.interval;
  if (p.calibration.level > 0) out["conformal_level"] = p.calibration.level;
  out["predictions"] = ordered_json::array();
  for (std::size_t row = 0; row < p.rows; ++row) out["predictions"].push_back(json_row(p, row));
  return out;
}

}  // namespace scalemix::inline v0::cli
