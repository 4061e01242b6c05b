// scalemix import net.onnx --out model.safetensors
//
// scalemix import weights.safetensors --model mlp:300-100 --input 784 --outputs 10 --out model.safetensors
//
// A network of another program as a model file.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/message.h"
#include "scalemix/base/number_text.h"
#include "scalemix/base/read_file.h"
#include "scalemix/base/word.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/compress/import_onnx.h"
#include "scalemix/compress/import_weights.h"
#include "scalemix/compress/module_names.h"
#include "scalemix/model/architecture.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/spec_json.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::cli {
namespace {

struct ImportOptions {
  std::string file, out, model, input, names, task, classes;
  std::size_t outputs = 0;
  bool json = false, quiet = false;
};

std::vector<std::string> class_names(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string_view name : split(text, ',')) out.emplace_back(name);
  return out;
}

/// "784" or "1,28,28"
model::Shape shape_of(const std::string& text) {
  model::Shape out;
  for (const std::string_view side : split(text, ',')) out.push_back(read_count("--input", side));
  if (out.size() == 1 || out.size() == 3 || out.empty()) return out;
  throw ConfigError("--input: expected K or C,H,W, got " + text);
}

compress::ImportOptions options_of(const ImportOptions& o) {
  compress::ImportOptions out{.classes = class_names(o.classes), .input = shape_of(o.input)};
  if (!o.task.empty()) {
    out.task = o.task == "regression" ? Task::regression : Task::classification;
  }
  if (out.task == Task::regression && !out.classes.empty()) {
    throw ConfigError("--classes is for --task classification");
  }
  return out;
}

nlohmann::json read_json(const std::string& file) {
  try {
    return parse_json(read_file(file));
  } catch (const std::invalid_argument& error) {
    throw DataError(file, 0, 0, std::string("not JSON: ") + error.what());
  }
}

/// What a spec in a file says of its problem, behind what options say.
void take_from_file(const std::string& word, model::Problem& problem, std::optional<Task>& task) {
  model::Spec spec;
  std::optional<Task> of_file;
  if (word.ends_with(".safetensors")) {
    spec = model::load_model(word).spec;
    of_file = spec.task;
  } else if (word.ends_with(".json")) {
    try {
      const model::OpenSpec open = model::open_spec_from_json(read_json(word));
      spec = open.spec;
      of_file = open.task;
    } catch (const std::invalid_argument& error) {
      throw DataError(word, 0, 0, error.what());
    }
  }
  if (problem.input.empty()) problem.input = spec.input;
  if (problem.outputs == 0) problem.outputs = spec.outputs;
  if (!task) task = of_file;
}

compress::Imported from_weights(const ImportOptions& o, const compress::ImportOptions& options) {
  if (o.model.empty()) {
    throw ConfigError(
        fmt::format("import {}: weights need --model, the network they belong to", o.file));
  }
  const std::size_t outputs = o.outputs != 0 ? o.outputs : options.classes.size();
  model::Problem problem{options.input, Task::regression, outputs};
  std::optional<Task> task = options.task;
  take_from_file(o.model, problem, task);
  if (problem.input.empty()) throw ConfigError("import: give --input K or C,H,W");
  if (problem.outputs == 0) throw ConfigError("import: give --outputs N");
  const bool several = problem.outputs > 1;
  std::string because = several ? "it has several outputs" : "it has one output";
  if (options.task) because = "as asked for";
  if (!options.task && task) because = "as its spec says";
  problem.task = task.value_or(several ? Task::classification : Task::regression);
  compress::Imported out = compress::import_weights(model::read_safetensors(o.file), o.file,
                                                    model::architecture(o.model, problem),
                                                    compress::read_names(o.names), options);
  out.notes.push_back(fmt::format("taken as {}: {}", model::task_name(problem.task), because));
  return out;
}

compress::Imported from_onnx(const ImportOptions& o, const compress::ImportOptions& options) {
  if (!o.model.empty() || !o.names.empty() || o.outputs != 0) {
    throw ConfigError(fmt::format(
        "import {}: --model, --names and --outputs are for weights (.safetensors)", o.file));
  }
  return compress::import_onnx(read_file(o.file), o.file, options);
}

int run(const ImportOptions& o, std::ostream& out) {
  const compress::ImportOptions options = options_of(o);
  const bool weights = o.file.ends_with(".safetensors");
  compress::Imported imported = weights ? from_weights(o, options) : from_onnx(o, options);
  imported.model.about = nlohmann::json{{"imported", o.file}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
  for (const std::string& note : imported.notes) {
    if (!o.quiet) message(fmt::format("scalemix: {}: {}\n", o.file, printable(note)));
  }
  model::save_model(o.out, imported.model);
  const model::Spec& spec = imported.model.spec;
  std::size_t numbers = 0;
  for (const predict::LayerSparsity& layer : predict::sparsity(imported.model)) {
    numbers += layer.weights;
  }
  const auto bytes = static_cast<std::size_t>(std::filesystem::file_size(o.out));
  if (o.json) {
    out << nlohmann::ordered_json{{"file", o.out},
                                  {"bytes", bytes},
                                  {"task", model::task_name(spec.task)},
                                  {"input", spec.input},
                                  {"outputs", spec.outputs},
                                  {"weights", numbers},
                                  {"notes", imported.notes}}
               .dump(2)
        << '\n';
    return kSuccess;
  }
  out << fmt::format("{}: {} bytes, {} -> {} outputs, {} weights\n", o.out, bytes,
                     model::shape_text(spec.input), spec.outputs, numbers);
  return kSuccess;
}

}  // namespace

Action setup_import(CLI::App& sub) {
  auto o = std::make_shared<ImportOptions>();
  sub.add_option("file", o->file, "An ONNX file; or a PyTorch state dict as FILE.safetensors")
      ->required()
      ->type_name("FILE");
  writes(sub.add_option("--out", o->out, "The model file to write"))->required()->type_name("FILE");
  take_words(sub.add_option("--task", o->task,
                            "Else: classification if the file ends in Softmax or names classes; of "
                            "weights, if there are several outputs"),
             {"regression", "classification"});
  sub.add_option("--classes", o->classes, "Names of the outputs")->type_name("NAME,...");
  sub.add_option("--input", o->input,
                 "Shape of a row: K, or C,H,W; of ONNX only where the file leaves it open")
      ->type_name("SHAPE");
  sub.add_option("--model", o->model, "Weights: their network, a word or a file as train takes it")
      ->type_name("MODEL");
  sub.add_option("--outputs", o->outputs, "Weights: number of classes or targets")
      ->transform(whole_number(1000000));
  sub.add_option("--names", o->names,
                 "Weights: modules and their layers, where the order of names is another one")
      ->type_name("MODULE=LAYER,...");
  sub.add_flag("--json", o->json, "Print JSON");
  sub.add_flag("--quiet", o->quiet, "No messages");
  sub.footer(
      "scalemix import net.onnx --out model.safetensors\n"
      "scalemix import weights.safetensors --model mlp:300-100 \\\n"
      "  --input 784 --outputs 10 --out model.safetensors");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
