#include "scalemix/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/parallel.h"
#include "scalemix/base/version.h"
#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/target.h"
#include "scalemix/model/model_file.h"
#include "scalemix/model/safetensors.h"

namespace scalemix::inline v0::train {
namespace {

constexpr const char* kState = "state";
constexpr const char* kBits = "bits";
constexpr const char* kChecksum = "checksum";  // the key that model_checksum() leaves out

/// Calls f(name, array) for the arrays of a stack, best weights only once there are some.
template <class F>
void for_each_array(Stack& stack, const F& f) {
  Store& store = stack.store();
  const auto own = [&](std::string_view name) {
    return fmt::format("{}.{}", store.rule.name, name);
  };
  f("values", store.values);
  f("state", store.state);
  for (std::size_t a = 0; a < store.arrays.size(); ++a) {
    f(own(store.rule.arrays[a]), store.arrays[a]);
  }
  for (std::size_t s = 0; s < store.scalars.size(); ++s) {
    f(own(store.rule.scalars[s]), store.scalars[s]);
  }
  if (!store.marks.empty()) f("marks", store.marks);
  if (!stack.state.average.empty()) f("average", stack.state.average);
  if (!stack.state.spread.empty()) {
    f("spread.mean", stack.state.spread.mean);
    f("spread.square", stack.state.spread.square);
  }
  if (!stack.state.best_values.empty()) {
    f("best_values", stack.state.best_values);
    f("best_state", stack.state.best_state);
  }
}

void read(const model::Tensor& tensor, std::vector<float>& out) { out = tensor.floats(); }
void read(const model::Tensor& tensor, std::vector<double>& out) { out = tensor.doubles(); }

template <class T>
void copy_into(const std::string& path, const model::Container& file, const std::string& name,
               std::vector<T>& array) {
  const auto it = file.tensors.find(name);
  if (it == file.tensors.end()) throw DataError(path, 0, 0, "checkpoint has no tensor " + name);
  std::vector<T> values;
  read(it->second, values);
  if (values.size() != array.size()) {
    throw DataError(path, 0, 0,
                    fmt::format("checkpoint's {} has {} numbers, the network {}", name,
                                values.size(), array.size()));
  }
  std::copy(values.begin(), values.end(), array.begin());
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
          {"about", position.about},
          {"epoch", s.epoch},
          {"step", s.step},
          {"row", s.row},
          {"nll_sum", exact(s.nll_sum)},
          {"penalty", exact(s.penalty)},
          {"first_nll", exact(s.first_nll)},
          {"best_score", exact(s.best_score)},
          {"best_epoch", s.best_epoch},
          {"active", s.active},
          {"spread", s.spread.count},
          {"best", !s.best_values.empty()}};
}

nlohmann::json bits_of(const Stack& stack) {
  nlohmann::json bits = bits_record();
  bits["step"] = stack.path();
  return bits;
}

model::Container read(const std::string& path) {
  model::Container file = model::read_safetensors(path);
  if (!file.metadata.count(kState) || !file.metadata.count(kBits)) {
    throw DataError(path, 0, 0, "is not a checkpoint of a training run");
  }
  const auto sum = file.metadata.find(kChecksum);
  if (sum == file.metadata.end()) {
    throw DataError(path, 0, 0, "has no checksum: another version wrote this checkpoint");
  }
  if (sum->second != model::model_checksum(file)) {
    throw DataError(path, 0, 0, "damaged checkpoint: its bytes do not agree with its checksum");
  }
  return file;
}

/// What read() makes of a checkpoint's JSON; its errors are those of a damaged file.
template <class Read>
auto checked(const std::string& path, const Read& read) {
  try {
    return read();
  } catch (const nlohmann::json::exception& error) {
    throw DataError(path, 0, 0, "damaged checkpoint: " + json_error(error));
  } catch (const std::invalid_argument& error) {
    throw DataError(path, 0, 0, std::string("damaged checkpoint: ") + error.what());
  }
}

nlohmann::json parse(const std::string& path, const std::string& text) {
  return checked(path, [&] { return parse_json(text); });
}

State state_of(const nlohmann::json& json) {
  State s;
  s.epoch = whole_number<decltype(s.epoch)>(json.at("epoch"));
  s.step = whole_number<decltype(s.step)>(json.at("step"));
  s.row = whole_number<decltype(s.row)>(json.at("row"));
  s.nll_sum = from_exact(json.at("nll_sum"));
  s.penalty = from_exact(json.at("penalty"));
  s.first_nll = from_exact(json.at("first_nll"));
  s.best_score = from_exact(json.at("best_score"));
  s.best_epoch = json.at("best_epoch").get<std::vector<std::int64_t>>();
  s.active = json.at("active").get<std::vector<bool>>();
  s.spread.count = json.at("spread").get<std::vector<std::int64_t>>();
  return s;
}

}  // namespace

nlohmann::json bits_record() {
  return {{"version", kVersion},
          {"simd_target", kernel::active_target()},
          {"threads", threads()},
          {"products", kernel::product_libraries()}};
}

void save_checkpoint(const std::string& path, Stack& stack, const Position& position) {
  model::Container file;
  for_each_array(stack, [&](const std::string& name, const auto& array) {
    file.tensors[name] =
        model::Tensor::of({stack.replicas(), array.size() / stack.replicas()}, array);
  });
  file.metadata[kState] = state_json(stack.state, position).dump();
  file.metadata[kBits] = bits_of(stack).dump();
  file.metadata[kChecksum] = model::model_checksum(file);
  model::write_safetensors(path, file);
}

Position read_position(const std::string& path) {
  const nlohmann::json state = parse(path, read(path).metadata.at(kState));
  return checked(path, [&] {
    return Position{whole_number<decltype(Position::stack)>(state.at("stack")),
                    whole_number<decltype(Position::log_offset)>(state.at("log_offset")),
                    state.at("about")};
  });
}

std::vector<std::string> load_checkpoint(const std::string& path, Stack& stack) {
  const model::Container file = read(path);
  const nlohmann::json state = parse(path, file.metadata.at(kState));
  State& s = stack.state;
  SpreadSums spread = std::move(s.spread);
  s = checked(path, [&] { return state_of(state); });
  if (s.spread.count.size() != spread.count.size()) {
    throw DataError(path, 0, 0, "checkpoint and run do not agree on whether spread is gathered");
  }
  spread.count = s.spread.count;
  s.spread = std::move(spread);
  if (stack.plan().options.average > 0) s.average.resize(stack.store().values.size());
  const std::size_t n = stack.replicas();
  for (const std::size_t size : {s.nll_sum.size(), s.penalty.size(), s.first_nll.size(),
                                 s.best_score.size(), s.best_epoch.size(), s.active.size()}) {
    if (size == n) continue;
    throw DataError(path, 0, 0, fmt::format("checkpoint of {} replicas, the run has {}", size, n));
  }
  if (checked(path, [&] { return state.at("best").get<bool>(); })) {
    s.best_values.resize(stack.store().values.size());
    s.best_state.resize(stack.store().state.size());
  }
  for_each_array(stack,
                 [&](const std::string& name, auto& array) { copy_into(path, file, name, array); });
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
