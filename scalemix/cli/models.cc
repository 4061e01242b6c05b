#include "scalemix/cli/models.h"

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/base/error.h"
#include "scalemix/run/folder.h"

namespace scalemix::inline v0::cli {
namespace {

constexpr std::size_t kDefaultSamples = 100;

void check_alike(const Models& models) {
  const model::Model& first = models.first().model();
  for (std::size_t i = 1; i < models.predictors.size(); ++i) {
    const model::Model& other = models.predictors[i]->model();
    const bool alike = other.spec.task == first.spec.task && other.spec.input == first.spec.input &&
                       other.spec.outputs == first.spec.outputs &&
                       other.preprocessing.classes == first.preprocessing.classes &&
                       other.preprocessing.schema == first.preprocessing.schema;
    if (alike) continue;
    throw DataError(models.files[i], 0, 0,
                    "expected a model with the task, columns and classes of " + models.files[0] +
                        "; use --replica to name one of them");
  }
}

}  // namespace

std::vector<const predict::Predictor*> Models::all() const {
  std::vector<const predict::Predictor*> out;
  for (const auto& predictor : predictors) out.push_back(predictor.get());
  return out;
}

bool Models::stochastic() const {
  return std::any_of(predictors.begin(), predictors.end(),
                     [](const auto& predictor) { return predictor->stochastic(); });
}

std::vector<std::string> model_files(const std::string& path, int replica) {
  std::vector<std::string> files = run::find_models(path);
  if (replica < 0) return files;
  if (static_cast<std::size_t>(replica) >= files.size()) {
    throw ConfigError(fmt::format("--replica: {} holds replicas 0 to {}, got {}", path,
                                  files.size() - 1, replica));
  }
  return {files[static_cast<std::size_t>(replica)]};
}

Models load_models(const std::string& path, int replica, const predict::Crossover& crossover) {
  Models models;
  models.files = model_files(path, replica);
  for (const std::string& file : models.files) {
    models.predictors.push_back(
        std::make_unique<predict::Predictor>(model::load_model(file), crossover));
  }
  check_alike(models);
  return models;
}

data::Format format_of(const model::Model& model) {
  const model::Preprocessing& p = model.preprocessing;
  data::Format format{model.spec.task, model.spec.input, p.classes, p.target, p.schema};
  for (std::size_t c = 0; format.classes.size() < model.spec.outputs && c < model.spec.outputs;
       ++c) {
    if (model.spec.task == Task::classification) format.classes.push_back(class_name(p, c));
  }
  return format;
}

std::size_t samples_for(const Models& models, int asked) {
  if (asked >= 0) return static_cast<std::size_t>(asked);
  return models.stochastic() ? kDefaultSamples : 0;
}

std::string class_name(const model::Preprocessing& preprocessing, std::size_t c) {
  return c < preprocessing.classes.size() ? preprocessing.classes[c] : fmt::format("{}", c);
}

}  // namespace scalemix::inline v0::cli
