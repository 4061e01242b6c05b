// scalemix prior --fit: which noise law explains the weights of a model, or of an array.

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/prior_options.h"
#include "scalemix/cli/table.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/npy.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_file.h"
#include "scalemix/prior/rank.h"

namespace scalemix::inline v0::cli {
namespace {

using nlohmann::ordered_json;

/// The weights of a model's weighted layers, or of the one that is named.
std::vector<float> weights_of(const std::string& file, const std::string& layer) {
  const model::Model model = model::load_model(file);
  std::vector<std::string> known;
  std::vector<float> out;
  model::for_each_layer(model.spec, [&](const model::Layer& l, const model::Shape&) {
    if (!model::has_weights(l)) return;
    known.push_back(l.name);
    if (!layer.empty() && layer != l.name) return;
    const std::vector<float> w = model.tensors.at(l.name + ".weight").floats();
    out.insert(out.end(), w.begin(), w.end());
  });
  if (out.empty() && !layer.empty())
    throw ConfigError("--layer: " + unknown("layer", layer, known));
  return out;
}

std::vector<float> read_weights(const PriorOptions& o) {
  std::vector<float> out;
  if (data::ending(o.fit) == "npy") {
    if (!o.layer.empty()) throw ConfigError("--layer: " + o.fit + " is an array, without layers");
    out = data::parse_npy(data::read_bytes(o.fit), o.fit).values;
  } else {
    for (const std::string& file : model_files(o.fit, -1)) {
      const std::vector<float> w = weights_of(file, o.layer);
      out.insert(out.end(), w.begin(), w.end());
    }
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (!std::isfinite(out[i])) {
      throw DataError(o.fit, 0, 0, fmt::format("weight {} is {}, expected a number", i, out[i]));
    }
  }
  if (out.empty()) throw DataError(o.fit, 0, 0, "expected weights, got none");
  return out;
}

/// "beta:a=1.64,b=0.3898".
std::string short_spec(const law::AnyLaw& law) {
  std::string out(law.row().name);
  for (std::size_t i = 0; i < law.values().size(); ++i) {
    out += fmt::format("{}{}={:.4g}", i == 0 ? ':' : ',', law.row().parameters[i].name,
                       law.values()[i]);
  }
  return out;
}

}  // namespace

int run_prior_fit(const PriorOptions& o, std::ostream& out) {
  const prior::Ranking ranking = prior::rank(read_weights(o));
  ordered_json json = {{"weights", ranking.weights}, {"zeros", ranking.zeros}};
  Table table({"law", "sigma0", "prior", "ln p per weight", "behind", "error", "resolved"});
  for (const prior::Fit& fit : ranking.fits) {
    const std::string closed = fit.prior.name();
    json["fits"].push_back({{"law", fit.prior.law().spec()},
                            {"sigma0", fit.prior.sigma0()},
                            {"prior", closed},
                            {"parameters", fit.parameters},
                            {"log_likelihood", fit.log_likelihood},
                            {"behind", fit.behind},
                            {"error", fit.error},
                            {"resolved", fit.resolved}});
    const bool best = &fit == &ranking.fits.front();
    table.add({short_spec(fit.prior.law()), fmt::format("{:.4g}", fit.prior.sigma0()),
               closed.empty() ? "-" : closed.substr(0, closed.find(':')),
               fmt::format("{:.5f}", fit.log_likelihood), fmt::format("{:.5f}", fit.behind),
               fmt::format("{:.5f}", fit.error),
               best           ? "best"
               : fit.resolved ? "yes"
                              : "no"});
  }
  if (o.json) {
    out << json.dump(2) << '\n';
    return kSuccess;
  }
  out << fmt::format("{} weights", ranking.weights);
  if (ranking.zeros > 0) {
    out << fmt::format(", {} exactly 0 and left out", ranking.zeros);
  }
  out << "\n\n";
  table.print(out);
  return kSuccess;
}

}  // namespace scalemix::inline v0::cli
