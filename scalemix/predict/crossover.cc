#include "scalemix/predict/crossover.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "scalemix/base/atomic_file.h"
#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/read_file.h"
#include "scalemix/kernel/sparse_weights.h"
#include "scalemix/kernel/target.h"
#include "scalemix/model/build.h"
#include "scalemix/predict/predictor.h"
#include "scalemix/random/stream.h"

namespace scalemix::inline v0::predict {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kNever = 2;
constexpr std::array kShares{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9};
constexpr int kRounds = 9;
constexpr double kSeconds = 0.002;  // of a round

/// A network of one layer, so many of its weights zero.
model::Model one_layer(const model::Shape& input, const model::Layer& layer, double zeros) {
  model::Model m;
  m.spec = {.input = input, .task = Task::classification, .layers = {layer, model::flatten()}};
  m.spec.number();
  m.spec.outputs = model::elements(model::output_shape(layer, input));
  for (const model::LayerTensor& t : model::tensors(m.spec.layers.front())) {
    std::vector<float> values(model::elements(t.shape));
    const Stream stream{1, 1, 0}, kept{1, 2, 0};
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = kept.uniform(i) < zeros ? 0.0f : static_cast<float>(stream.uniform(i) - 0.5);
    }
    m.tensors[m.spec.layers.front().name + "." + t.name] = model::Tensor::of(t.shape, values);
  }
  return m;
}

/// Seconds of a call, the least of some rounds.
class Timed {
 public:
  Timed(model::Model model, std::size_t rows, const Crossover& crossover)
      : predictor_(std::move(model), crossover),
        context_(predictor_),
        rows_(rows),
        x_(rows * predictor_.width(), 0.5f) {
    call();
  }
  void round() {
    int calls = 0;
    const Clock::time_point start = Clock::now();
    double seconds = 0;
    while (seconds < kSeconds) {
      call();
      ++calls;
      seconds = std::chrono::duration<double>(Clock::now() - start).count();
    }
    least_ = std::min(least_, seconds / calls);
  }
  double least() const { return least_; }

 private:
  void call() { predict_outputs(context_, x_, rows_, {}, y_); }

  Predictor predictor_;
  Context context_;
  std::size_t rows_;
  std::vector<float> x_, y_;
  double least_ = std::numeric_limits<double>::infinity();
};

/// The share from which on a layer is faster without its zeros; between two shares on a straight line.
double crossing(const model::Shape& input, const model::Layer& layer, std::size_t rows) {
  double from = kNever, above = 0;  // the lowest share that is faster; by how much
  for (auto share = kShares.rbegin(); share != kShares.rend(); ++share) {
    const model::Model m = one_layer(input, layer, *share);
    Timed dense(m, rows, {kNever, kNever, kNever}), sparse(m, rows, {0, 0, 0});
    for (int i = 0; i < kRounds; ++i) dense.round(), sparse.round();
    const double gain = dense.least() / sparse.least() - 1;
    if (gain < 0) {
      return from == kNever ? kNever : *share + (from - *share) * -gain / (above - gain);
    }
    from = *share;
    above = gain;
  }
  return from;
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

/// null where it is no JSON.
nlohmann::json parsed(const std::string& text) {
  try {
    return parse_json(text);
  } catch (const std::invalid_argument&) {
    return {};
  }
}

}  // namespace

double default_few() { return kernel::best_fetch() == kernel::Fetch::gather ? 0.5 : 0.85; }

Crossover measure_crossover() {
  return {.few = crossing({512}, model::linear(512, 512), 1),
          .many = crossing({512}, model::linear(512, 512), 64),
          .images = crossing({16, 14, 14}, model::conv2d(16, 32, {3, 1, 1}), 16)};
}

std::string machine() { return fmt::format("{}, {}", processor(), kernel::active_target()); }

void save_crossovers(const std::string& path, const MeasuredCrossovers& measured) {
  nlohmann::ordered_json json;
  for (const auto& [machine, crossover] : measured) {
    json[machine] = {
        {"few", crossover.few}, {"many", crossover.many}, {"images", crossover.images}};
  }
  write_atomically(path, json.dump(2) + "\n");
}

MeasuredCrossovers load_crossovers(const std::string& path) {
  std::error_code unseen;
  if (!std::filesystem::exists(path, unseen)) return {};
  const nlohmann::json json = parsed(read_file(path));
  const auto refuse = [&](const std::string& expected) {
    throw DataError(path, 0, 0, "is no measurement of products: expected " + expected);
  };
  if (!json.is_object()) refuse("a JSON object of machines");
  MeasuredCrossovers out;
  for (const auto& item : json.items()) {
    const auto share = [&](const char* key) {
      const nlohmann::json& of = item.value();
      const bool there = of.is_object() && of.contains(key) && of[key].is_number();
      if (!there || !(of[key].get<double>() >= 0)) {
        refuse(fmt::format("a share from 0, '{}', of {}", key, item.key()));
      }
      return of[key].get<double>();
    };
    out[item.key()] = {share("few"), share("many"), share("images")};
  }
  return out;
}

}  // namespace scalemix::inline v0::predict
