// scalemix predict runs/a --data new.csv
//
// Predicts rows with uncertainty, as CSV or JSON. A run of several replicas answers as an ensemble.

#include <fmt/format.h>

#include <memory>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/message.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/cli/predictions.h"
#include "scalemix/cli/products.h"
#include "scalemix/predict/ensemble.h"

namespace scalemix::inline v0::cli {
namespace {

struct PredictOptions {
  ModelOptions model;
  RowOptions rows;
  DrawOptions draws;
  std::optional<double> interval;  // 0.9
  std::string out, format = "csv";
  bool json = false, quiet = false, tune = false;
  int threads = 0;
};

Predictions predict_all(const Models& models, const data::LabelledRows& rows,
                        const PredictOptions& o) {
  Predictions out;
  out.network = &models.first();
  out.rows = rows.rows;
  out.ids = rows.ids;
  out.id = rows.id;
  out.samples = samples_for(models, o.draws.samples);
  out.networks = models.predictors.size();
  out.seed = o.draws.seed;
  out.interval = o.interval.value_or(out.interval);
  if (models.predictors.size() == 1 && !o.interval) {
    out.calibration = models.first().preprocessing().calibration;
  }
  std::vector<predict::Prediction> members;
  for (const auto& predictor : models.predictors) {
    predict::Context context(*predictor);
    members.push_back(
        predict::predict(context, rows.x, rows.rows,
                         {.samples = out.samples, .seed = o.draws.seed, .row0 = 0, .block = 0}));
  }
  out.values = members.size() == 1 ? std::move(members[0])
                                   : predict::combine(members, models.first().spec().task);
  return out;
}

int run(const PredictOptions& o, std::ostream& out) {
  use_threads(o.threads);
  const Models models = load_models(o.model.path, o.model.replica, products_here(o.tune, o.quiet));
  const data::LabelledRows rows = data::open_rows(o.rows.data, format_of(models.first().model()),
                                                  data::Labels::ignored, o.rows.open_options());
  if (!o.quiet) {
    for (const std::string& warning : rows.warnings) warn(warning);
  }
  const Predictions predictions = predict_all(models, rows, o);
  const bool json = o.json || o.format == "json";
  const std::string text = json ? to_json(predictions).dump(2) + "\n" : to_csv(predictions);
  if (o.out.empty()) {
    out << text;
  } else {
    write_atomically(o.out, text);
    if (!o.quiet) message(fmt::format("scalemix: {} predictions in {}\n", rows.rows, o.out));
  }
  return kSuccess;
}

}  // namespace

Action setup_predict(CLI::App& sub) {
  auto o = std::make_shared<PredictOptions>();
  add_model_options(sub, o->model);
  add_row_options(sub, o->rows, true);
  sub.add_option("--id", o->rows.id,
                 "A column that goes with the predictions; default: the one of the training")
      ->type_name("COLUMN");
  add_draw_options(sub, o->draws);
  sub.add_option("--interval", o->interval,
                 "Regression: mass of the central interval of the normal with the "
                 "prediction's mean and total variance")
      ->type_name("MASS")
      ->check(open_share())
      ->capture_default_str();
  writes(sub.add_option("--out", o->out, "Write here instead of standard output"))
      ->type_name("FILE");
  take_words(sub.add_option("--format", o->format, "How to write them"), {"csv", "json"})
      ->capture_default_str();
  sub.add_flag("--json", o->json, "The same as --format json");
  sub.add_flag("--quiet", o->quiet, "No messages but errors");
  add_products_option(sub, o->tune);
  add_threads_option(sub, o->threads);
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
