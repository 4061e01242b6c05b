// Model files, checkpoints, and specs as JSON.
//
// A model file's checksum is put right after each change, or nothing behind it would be met.

#include <nlohmann/json.hpp>

#include "scalemix/base/json_text.h"
#include "scalemix/compress/prune.h"
#include "scalemix/model/model_bytes.h"
#include "scalemix/model/spec_json.h"
#include "scalemix/predict/predictor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/target.h"
#include "tests/model/fixtures.h"

namespace scalemix::fuzz {
namespace {

constexpr std::size_t kMostWidth = 4096;  // of rows that are predicted

void read_model(std::string_view input) {
  answers([&] {
    const predict::Predictor predictor(model::parse_model(input, "damaged"), {0.5, 0.5, 0.5});
    if (predictor.width() > kMostWidth) return;
    predict::Context context(predictor);
    predict::predict(context, std::vector<float>(predictor.width(), 0.5f), 1);
  });
}

/// With the checksum that its contents ask for, where they can be parsed at all.
std::string seal_model(std::string bytes) {
  answers([&] {
    model::Container container = model::parse_safetensors(bytes, "damaged");
    const std::string had = container.metadata["checksum"],
                      wanted = model::model_checksum(container);
    const std::size_t at = had.empty() ? bytes.npos : bytes.find(had);
    if (at != bytes.npos && had.size() == wanted.size()) bytes.replace(at, had.size(), wanted);
  });
  return bytes;
}

/// Dense, sparse, float16, int8, with a posterior, a spread, convolutional.
std::vector<std::string> models() {
  const Folder folder("models");
  std::vector<std::string> out;
  const auto add = [&](const model::Model& m, const model::SaveOptions& options = {}) {
    model::save_model(folder.path() + "/m", m, options);
    out.push_back(folder.read("m"));
  };
  const model::Problem table = model::table_problem(), image{{1, 16, 16}, Task::classification, 3};
  const model::Model dense =
      model::filled_model(model::made("mlp:20-10", table, {"bernoulli:p=0.2"}));
  const model::Model sparse =
      compress::Pruner(dense, compress::weights_of(dense), {}).at_sparsity(0.9);
  add(dense);
  for (const model::Store store :
       {model::Store::float32, model::Store::float16, model::Store::int8}) {
    add(sparse, {.store = store});
    add(dense, {.store = store});
  }
  model::Model moved = sparse;
  for (const char* name : {"linear1.weight", "linear2.weight", "linear3.weight"}) {
    moved.spread.emplace(name, sparse.tensors.at(name));
  }
  add(moved);
  for (const char* method : {"svdo", "vsd", "gsm", "l0", "sbp", "tabu"}) {
    add(model::filled_model(model::made("mlp:5", table, {method})));
  }
  add(model::filled_model(model::made("skipmlp:4x2", table, {})));
  const model::Model images = model::filled_model(model::made("resnet:1", image, {}));
  add(images);
  add(compress::Pruner(images, compress::weights_of(images), {}).at_sparsity(0.95),
      {.store = model::Store::int8});
  return out;
}

void read_spec(std::string_view input) {
  answers([&] {
    const nlohmann::json json = parse_json(input);
    answers([&] { model::spec_from_json(json).validate(); });
    model::OpenSpec open = model::open_spec_from_json(json);
    if (open.spec.input.empty()) open.spec.input = {7};
    if (open.spec.outputs == 0) open.spec.outputs = 2;
    model::fill(open.spec);
    open.spec.number();
    open.spec.validate();
  });
}

std::vector<std::string> specs() {
  std::vector<std::string> out;
  for (const model::Case& c : model::short_forms()) {
    out.push_back(model::to_json(model::made(c.word, c.problem)).dump());
  }
  for (const char* method : {"bernoulli:p=0.2", "svdo", "dropconnect", "gsm:hyper=inv_gamma", "vsd",
                             "bernoulli:p=linear:start=0"}) {
    answers([&] {
      out.push_back(
          model::to_json(model::made("mlp:3-2", model::table_problem(), {method})).dump());
    });
  }
  answers([&] {
    out.push_back(
        model::to_json(model::made("lenet5", model::image_problem(), {"dropblock"})).dump());
  });
  // What once took gigabytes or minutes.
  out.push_back(R"({"input":[1,4,4],"task":"regression","outputs":1,"layers":[{"type":"conv2d",)"
                R"("in":1,"out":1,"kernel":1,"padding":20000},{"type":"avg_pool","kernel":0,)"
                R"("stride":1},{"type":"flatten"}]})");
  out.push_back(R"({"layers":[{"type":"max_pool","kernel":2048,"stride":1,"padding":1024}]})");
  out.push_back(std::string(2000, '[') + std::string(2000, ']'));
  return out;
}

void read_container(std::string_view input) {
  answers([&] { model::parse_safetensors(input, "damaged"); });
}

/// A checkpoint is a container, with JSON in its metadata.
std::vector<std::string> containers() {
  const Folder folder("containers");
  model::Container c;
  c.tensors["values"] = model::Tensor::of({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  c.tensors["adam.step"] = model::Tensor::of({2}, std::vector<double>{1, 2});
  c.tensors["none"] = model::Tensor::of({0}, std::vector<std::int64_t>{});
  c.metadata["state"] = R"({"stack":0,"log_offset":10,"epoch":3,"active":[true]})";
  model::write_safetensors(folder.path() + "/c", c);
  return {folder.read("c")};
}

}  // namespace

const Target kModel{"model", read_model, models, seal_model};
const Target kSpec{"spec", read_spec, specs};
const Target kCheckpoint{"checkpoint", read_container, containers};

}  // namespace scalemix::fuzz
