// scalemix prior --data TABLE: a linear model whose weights have scales that are learned, by exact
// expectation-maximisation: which columns matter.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/order.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/prior_options.h"
#include "scalemix/cli/table.h"
#include "scalemix/data/dataset.h"
#include "scalemix/data/standardise.h"
#include "scalemix/prior/linear_em.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

constexpr double kOff = 0.01;  // of lambda, of standardised columns

struct Rows {
  data::Dataset data;
  data::Standardisation standard;
  std::vector<double> x, y;  // standardised; a missing number is the mean
};

Rows read_rows(const PriorOptions& o) {
  Rows rows;
  data::OpenOptions options;
  options.target = o.target;
  options.task = Task::regression;
  rows.data = data::open(o.data, options);
  if (rows.data.task != Task::regression) {
    throw DataError(rows.data.name, 0, 0, "expected a number to predict, got classes");
  }
  std::vector<std::uint32_t> all(rows.data.rows());
  std::iota(all.begin(), all.end(), 0u);
  rows.standard = data::standardise(rows.data, all);
  const std::size_t k = rows.data.width();
  for (std::size_t i = 0; i < rows.data.x.size(); ++i) {
    const double z = (rows.data.x[i] - rows.standard.mean[i % k]) / rows.standard.scale[i % k];
    rows.x.push_back(std::isnan(z) ? 0 : z);
  }
  for (const float y : rows.data.y) {
    rows.y.push_back((y - rows.standard.target_mean) / rows.standard.target_scale);
  }
  return rows;
}

ordered_json report_of(const PriorOptions& o, const Rows& rows, const prior::LinearFit& fit,
                       const prior::HyperPrior& hyper) {
  const double target = rows.standard.target_scale;
  ordered_json out = {{"data", rows.data.name},
                      {"rows", rows.y.size()},
                      {"hyper", hyper.word()},
                      {"sigma0", o.sigma0},
                      {"iterations", fit.objective.size()},
                      {"settled", fit.settled},
                      {"objective", fit.objective.back()},
                      {"noise_sd", std::sqrt(fit.noise_variance) * target}};
  for (std::size_t i = 0; i < fit.mean.size(); ++i) {
    const double scale = rows.standard.scale[i], per = target / scale;
    out["inputs"].push_back(
        {{"input", rows.data.features.empty() ? std::to_string(i + 1) : rows.data.features[i]},
         {"weight", fit.mean[i] * per},
         {"sd", std::sqrt(fit.variance[i]) * per},
         {"standardised", fit.mean[i]},
         {"scale", std::sqrt(fit.scale2[i])},
         {"on", std::sqrt(fit.scale2[i]) >= kOff}});
  }
  return out;
}

}  // namespace

int run_prior_table(const PriorOptions& o, std::ostream& out) {
  const prior::HyperPrior hyper = prior::HyperPrior::parse(o.hyper);
  const Rows rows = read_rows(o);
  const prior::LinearFit fit =
      prior::linear_em(rows.x, rows.y, {.hyper = hyper, .shared = o.shared, .sigma0 = o.sigma0});
  const ordered_json r = report_of(o, rows, fit, hyper);
  if (o.json) {
    out << r.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("{}: {} rows, scales under {}, {} iterations{}\n", rows.data.name,
                     rows.y.size(), hyper.word(), fit.objective.size(),
                     fit.settled ? "" : ", not settled");
  out << fmt::format("noise sd {:.4g}, objective {:.4f} nats\n\n", r["noise_sd"].get<double>(),
                     fit.objective.back());
  const std::vector<std::size_t> order = falling_order(fit.scale2);
  Table table({"input", "weight", "sd", "standardised", "scale", ""});
  for (const std::size_t i : order) {
    const ordered_json& input = r["inputs"][i];
    table.add({input["input"].get<std::string>(),
               fmt::format("{:.4g}", input["weight"].get<double>()),
               fmt::format("{:.2g}", input["sd"].get<double>()), fmt::format("{:.4f}", fit.mean[i]),
               fmt::format("{:.4g}", input["scale"].get<double>()),
               input["on"].get<bool>() ? "" : "off"});
  }
  table.print(out);
  return kSuccess;
}

}  // namespace scalemix::inline v0::cli
