#include "scalemix/torch/train/checkpoint.h"

#include <fmt/format.h>
#include <torch/version.h>

#include <cstring>

#include "scalemix/base/error.h"
#include "scalemix/base/parallel.h"
#include "scalemix/base/version.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/target.h"
#include "scalemix/model/safetensors.h"

namespace scalemix::inline v0::train {
namespace {

constexpr const char* kState = "state";
constexpr const char* kBits = "bits";

model::Tensor to_stored(const torch::Tensor& tensor) {
  model::Shape shape(tensor.sizes().begin(), tensor.sizes().end());
  const float* data = tensor.data_ptr<float>();
  return model::Tensor::of(std::move(shape), std::vector<float>(data, data + tensor.numel()));
}

void copy_into(const std::string& path, const model::Container& file, const std::string& name,
               torch::Tensor& tensor) {
  const auto it = file.tensors.find(name);
  if (it == file.tensors.end()) throw DataError(path, 0, 0, "checkpoint has no tensor " + name);
  const std::vector<float> values = it->second.floats();
  if (static_cast<std::int64_t>(values.size()) != tensor.numel()) {
    throw DataError(path, 0, 0,
                    fmt::format("checkpoint's {} has {} numbers, the network {}", name,
                                values.size(), tensor.numel()));
  }
  if (!values.empty()) std::memcpy(tensor.data_ptr<float>(), values.data(), 4 * values.size());
}

/// The tensors of a stack by name, best weights only once there are some.
std::vector<std::pair<std::string, torch::Tensor*>> tensors_of(Stack& stack) {
  nn::Storage& storage = stack.network().storage();
  std::vector<std::pair<std::string, torch::Tensor*>> out = {{"values", &storage.values},
                                                             {"buffers", &storage.buffers},
                                                             {"first", &stack.optimiser().first},
                                                             {"second", &stack.optimiser().second}};
  if (stack.state.best_values.defined()) {
    out.emplace_back("best_values", &stack.state.best_values);
    out.emplace_back("best_buffers", &stack.state.best_buffers);
  }
  return out;
}

/// Doubles that must come back to the bit, infinities too: as text in hexadecimal.
nlohmann::json exact(const PerReplica& values) {
  nlohmann::json out = nlohmann::json::array();
  for (const double v : values) out.push_back(fmt::format("{:a}", v));
  return out;
}
PerReplica from_exact(const nlohmann::json& json) {
  PerReplica out;
  for (const auto& item : json)
    out.push_back(std::strtod(item.get<std::string>().c_str(), nullptr));
  return out;
}

nlohmann::json state_json(const State& s, const Position& position) {
  return {{"stack", position.stack},
          {"log_offset", position.log_offset},
          {"epoch", s.epoch},
          {"step", s.step},
          {"row", s.row},
          {"nll_sum", exact(s.nll_sum)},
          {"penalty", exact(s.penalty)},
          {"first_nll", exact(s.first_nll)},
          {"best_score", exact(s.best_score)},
          {"best_epoch", s.best_epoch},
          {"active", s.active},
          {"best", s.best_values.defined()}};
}

nlohmann::json bits_of(const Stack& stack) {
  nlohmann::json bits = bits_record();
  bits["step"] = stack.path();
  return bits;
}

model::Container read(const std::string& path) {
  model::Container file = model::read_safetensors(path);
  if (!file.metadata.count(kState) || !file.metadata.count(kBits)) {
    throw DataError(path, 0, 0, "is no checkpoint of a training run");
  }
  return file;
}

nlohmann::json parse(const std::string& path, const std::string& text) {
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::exception& error) {
    throw DataError(path, 0, 0, std::string("damaged checkpoint: ") + error.what());
  }
}

}  // namespace

nlohmann::json bits_record() {
  return {{"version", kVersion},
          {"libtorch", TORCH_VERSION},
          {"simd_target", kernel::active_target()},
          {"threads", threads()},
          {"products", kernel::product_libraries()}};
}

void save_checkpoint(const std::string& path, Stack& stack, const Position& position) {
  model::Container file;
  for (const auto& [name, tensor] : tensors_of(stack)) file.tensors[name] = to_stored(*tensor);
  file.metadata[kState] = state_json(stack.state, position).dump();
  file.metadata[kBits] = bits_of(stack).dump();
  model::write_safetensors(path, file);
}

Position read_position(const std::string& path) {
  const nlohmann::json state = parse(path, read(path).metadata.at(kState));
  return {state.at("stack"), state.at("log_offset")};
}

std::vector<std::string> load_checkpoint(const std::string& path, Stack& stack) {
  const model::Container file = read(path);
  const nlohmann::json state = parse(path, file.metadata.at(kState));
  State& s = stack.state;
  s.epoch = state.at("epoch");
  s.step = state.at("step");
  s.row = state.at("row");
  s.nll_sum = from_exact(state.at("nll_sum"));
  s.penalty = from_exact(state.at("penalty"));
  s.first_nll = from_exact(state.at("first_nll"));
  s.best_score = from_exact(state.at("best_score"));
  s.best_epoch = state.at("best_epoch").get<std::vector<std::int64_t>>();
  s.active = state.at("active").get<std::vector<bool>>();
  if (state.at("best")) {
    s.best_values = torch::empty_like(stack.network().storage().values);
    s.best_buffers = torch::empty_like(stack.network().storage().buffers);
  }
  for (const auto& [name, tensor] : tensors_of(stack)) copy_into(path, file, name, *tensor);
  stack.values_changed();

  std::vector<std::string> differences;
  const nlohmann::json then = parse(path, file.metadata.at(kBits)), now = bits_of(stack);
  for (const auto& [key, value] : now.items()) {
    if (!then.contains(key) || then[key] != value) {
      differences.push_back(fmt::format("{} was {}, is {}", key,
                                        then.contains(key) ? then[key].dump() : "not recorded",
                                        value.dump()));
    }
  }
  return differences;
}

}  // namespace scalemix::inline v0::train
