// Networks of other programs.

#include "scalemix/compress/export_onnx.h"
#include "scalemix/compress/import_onnx.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/target.h"
#include "tests/model/fixtures.h"

namespace scalemix::fuzz {
namespace {

void read_onnx(std::string_view input) {
  answers([&] { compress::import_onnx(input, "net.onnx", {}); });
}

std::vector<std::string> networks() {
  using model::filled_model, model::made;
  const model::Problem table{{3}, Task::regression, 1}, image{{1, 4, 4}, Task::classification, 2};
  return {
      compress::export_onnx(filled_model(made("mlp:4", table))),
      compress::export_onnx(filled_model(made("resmlp:3x1", table))),
      compress::export_onnx(filled_model(made("resnet:1", image))),
      compress::export_onnx(filled_model(made("mlp:4,gelu", table, {"bernoulli:p=0.2"})), true)};
}

}  // namespace

const Target kOnnx{"onnx", read_onnx, networks};

}  // namespace scalemix::fuzz
