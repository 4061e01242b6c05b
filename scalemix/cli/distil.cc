// scalemix distil runs/big --data mnist --model mlp:50
//
// scalemix distil runs/big --data mnist --weights small.safetensors
//
// A student learns a teacher's answers: `train --teacher`, with the student's size from a number of weights
// where that is given.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/number_text.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/train_options.h"
#include "scalemix/cli/train_run.h"
#include "scalemix/compress/student.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::cli {
namespace {

struct DistilOptions : TrainSwitches {
  std::shared_ptr<TrainKeys> keys;
  std::string teacher, weights;
};

/// A number, or how many weights a model has left.
std::size_t read_weights(const std::string& text) {
  const std::optional<double> number = read_number(text);
  if (number && !std::filesystem::exists(text)) {
    if (!(*number >= 1)) throw ConfigError("--weights must be 1 or more, got " + text);
    return static_cast<std::size_t>(*number);
  }
  const model::Model model = model::load_model(model_files(text, 0).front());
  std::size_t left = 0;
  for (const predict::LayerSparsity& layer : predict::sparsity(model)) left += layer.nonzero;
  return left;
}

int run(const DistilOptions& o, std::ostream& out) {
  run::TrainConfig config = o.keys->config();
  config.teacher = o.teacher;
  if (!o.weights.empty()) {
    if (config.model != "auto") throw ConfigError("give one of --model and --weights");
    const model::Model teacher = model::load_model(model_files(o.teacher, 0).front());
    config.model = compress::student_of(teacher.spec, read_weights(o.weights));
  }
  if (config.method.empty()) config.method = {"none"};
  return train_anew(o, config, out);
}

}  // namespace

Action setup_distil(CLI::App& sub) {
  auto o = std::make_shared<DistilOptions>();
  sub.add_option("teacher", o->teacher, "Model file, or run folder, whose replicas answer together")
      ->required()
      ->type_name("TEACHER");
  o->keys = add_train_keys(sub, {"teacher"});
  sub.add_option(
         "--weights", o->weights,
         "A student with the teacher's layers, narrower: as many weights as this, or as the model "
         "has left")
      ->type_name("N|MODEL");
  sub.add_flag("--dry-run", o->dry_run,
               "print the resolved config, memory and time; train nothing");
  sub.add_flag("--json", o->json, "print the results as JSON");
  sub.add_flag("--quiet", o->quiet, "no messages, no progress");
  sub.footer(
      "The student has no noise unless --method says so; --objective distil:temperature=4,hard=0.1.");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
