// scalemix export runs/a --c digits.c
//
// scalemix export runs/a --onnx digits.onnx
// scalemix export runs/a --onnx drawn.onnx --noise
//
// A model for programs without this toolkit.

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/cli/command.h"
#include "scalemix/cli/exit_code.h"
#include "scalemix/cli/models.h"
#include "scalemix/cli/options.h"
#include "scalemix/cli/paths.h"
#include "scalemix/compress/export_c.h"
#include "scalemix/compress/export_onnx.h"

namespace scalemix::inline v0::cli {
namespace {

struct ExportOptions {
  ModelOptions model;
  std::string c, onnx;
  bool noise = false, json = false;
};

int run(const ExportOptions& o, std::ostream& out) {
  if (o.c.empty() && o.onnx.empty()) throw ConfigError("export: give --c FILE.c or --onnx FILE");
  if (o.noise && o.onnx.empty()) throw ConfigError("export: --noise is for --onnx");
  const std::filesystem::path c = o.c;
  if (!o.c.empty() && c.extension() != ".c") {
    throw ConfigError(fmt::format("export: --c {}: expected a name that ends in .c", o.c));
  }
  const std::filesystem::path header = std::filesystem::path(c).replace_extension(".h");
  if (!o.c.empty()) check_written("--c", header.string(), {o.model.path});
  if (!o.c.empty() && header == std::filesystem::path(o.onnx)) {
    throw ConfigError(fmt::format("--c and --onnx name one file, {}", o.onnx));
  }
  const Models models = load_models(o.model.path, o.model.replica);
  if (models.files.size() != 1) {
    throw ConfigError("export takes one network: name one with --replica");
  }
  const model::Model& model = models.first().model();
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  const auto write = [&](const std::filesystem::path& path, const std::string& text) {
    write_atomically(path.string(), text);
    files.push_back({{"file", path.string()}, {"bytes", text.size()}});
  };
  if (!o.c.empty()) {
    const compress::CSource source = compress::export_c(model, c.stem().string());
    write(header, source.header);
    write(c, source.source);
  }
  if (!o.onnx.empty()) write(o.onnx, compress::export_onnx(model, o.noise));
  if (o.json) {
    out << nlohmann::ordered_json{{"files", files}}.dump(2) << '\n';
    return kSuccess;
  }
  for (const auto& f : files) {
    out << fmt::format("{}: {} bytes\n", f["file"].get<std::string>(),
                       f["bytes"].get<std::size_t>());
  }
  return kSuccess;
}

}  // namespace

Action setup_export(CLI::App& sub) {
  auto o = std::make_shared<ExportOptions>();
  add_model_options(sub, o->model);
  writes(sub.add_option("--c", o->c,
                        "One C99 file, and its header beside it; the stem begins its names"))
      ->type_name("FILE.c");
  writes(sub.add_option("--onnx", o->onnx, "An ONNX file (opset 13)"))->type_name("FILE");
  sub.add_flag("--noise", o->noise,
               "ONNX: the multipliers of noise layers are inputs, for Monte-Carlo predictions");
  sub.add_flag("--json", o->json, "Print JSON");
  return [o](std::ostream& out) { return run(*o, out); };
}

}  // namespace scalemix::inline v0::cli
