#include "scalemix/model/architecture.h"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/known.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/read_file.h"
#include "scalemix/base/word.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/build.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/model_file.h"
#include "scalemix/model/spec_json.h"

namespace scalemix::inline v0::model {
namespace {

void append(Layers& to, const Layers& more) { to.insert(to.end(), more.begin(), more.end()); }

constexpr std::size_t kBlockLayers = 5;  // of a residual block of linear layers, itself one of them

// ------------------------------------------------------------------------------ forms

Spec empty_spec(const Problem& problem) {
  Spec spec;
  spec.input = problem.input;
  spec.task = problem.task;
  spec.outputs = problem.outputs;
  return spec;
}

/// A spec for dense layers: images are flattened first.
Spec flat_spec(const Problem& problem) {
  Spec spec = empty_spec(problem);
  if (problem.input.size() > 1) spec.layers.push_back(flatten());
  return spec;
}

void check_image(std::string_view who, const Problem& problem, std::size_t least) {
  const Shape& in = problem.input;
  if (in.size() != 3) {
    throw std::invalid_argument(
        fmt::format("{}: needs images (C, H, W), got rows of {} numbers; use mlp", who,
                    in.empty() ? 0 : in[0]));
  }
  if (in[1] < least || in[2] < least) {
    throw std::invalid_argument(fmt::format(
        "{0}: needs images of at least {1} x {1}, got {2} x {3}", who, least, in[1], in[2]));
  }
}

/// Before they are made.
void check_layers(std::string_view who, std::uint64_t layers) {
  if (layers <= limit(Limit::layers)) return;
  throw ConfigError(fmt::format("{}: {} layers, {}", who, layers, beyond(Limit::layers)));
}

void check_bare(std::string_view who, std::string_view argument) {
  if (argument.empty()) return;
  throw ConfigError(fmt::format("{}: takes no argument, got '{}'", who, argument));
}

constexpr std::size_t kMostHidden = 10000;  // layers

/// The widths of "300-100", or of "300x60": 60 layers of 300.
std::vector<std::size_t> hidden_widths(std::string_view text) {
  std::vector<std::size_t> widths;
  for (const std::string_view part : split(text, '-')) {
    const std::size_t times = part.find('x');
    const std::size_t width = read_count("mlp", part.substr(0, times));
    const std::size_t count =
        times == std::string_view::npos ? 1 : read_count("mlp", part.substr(times + 1));
    if (count > kMostHidden) {
      throw ConfigError(fmt::format("mlp: at most {} layers, got {}", kMostHidden, count));
    }
    check_layers("mlp", 2 * (widths.size() + count));
    widths.insert(widths.end(), count, width);
  }
  return widths;
}

/// The activation named behind the comma, or relu.
std::string hidden_activation(std::string_view name) {
  if (name.empty()) return "relu";
  std::vector<std::string> known;
  for (const kernel::ActivationRow& row : kernel::activations()) {
    if (row.activation == kernel::Activation::identity) continue;
    if (row.name == name) return std::string(name);
    known.emplace_back(row.name);
  }
  throw ConfigError("mlp: " + unknown("activation", name, known));
}

Spec mlp_word(std::string_view argument, const Problem& problem) {
  const std::size_t comma = argument.find(',');
  const bool named = comma != std::string_view::npos;
  const std::string activation =
      hidden_activation(named ? argument.substr(comma + 1) : std::string_view());
  return mlp(problem, hidden_widths(argument.substr(0, comma)), activation);
}

Spec linear_model(std::string_view argument, const Problem& problem) {
  check_bare("linear", argument);
  return mlp(problem, {});
}

struct Blocks {
  std::size_t width, count;
};

/// "50x3"
Blocks read_blocks(std::string_view who, std::string_view argument) {
  const std::vector<std::string_view> parts = split(argument, 'x');
  if (parts.size() != 2) {
    throw ConfigError(
        fmt::format("{0}: expected WIDTHxBLOCKS ({0}:50x3), got '{1}'", who, argument));
  }
  const std::size_t width = read_count(who, parts[0]), blocks = read_count(who, parts[1]);
  check_layers(who, kBlockLayers * std::uint64_t{blocks});
  return {width, blocks};
}

Spec resmlp(std::string_view argument, const Problem& problem) {
  const auto [width, blocks] = read_blocks("resmlp", argument);
  Spec spec = flat_spec(problem);
  spec.layers.push_back(linear(elements(problem.input), width));
  for (std::size_t b = 0; b < blocks; ++b) {
    spec.layers.push_back(residual({relu(), linear(width, width), relu(), linear(width, width)}));
  }
  append(spec.layers, {relu(), linear(width, problem.outputs)});
  return spec;
}

Spec skipmlp(std::string_view argument, const Problem& problem) {
  const auto [width, blocks] = read_blocks("skipmlp", argument);
  Spec spec = flat_spec(problem);
  append(spec.layers, {linear(elements(problem.input), width), relu()});
  for (std::size_t b = 0; b < blocks; ++b) {
    spec.layers.push_back(residual({linear(width, width), relu()}));
  }
  spec.layers.push_back(linear(width, problem.outputs));
  return spec;
}

Spec lenet5(std::string_view argument, const Problem& problem) {
  check_bare("lenet5", argument);
  check_image("lenet5", problem, 16);
  const auto side = [](std::size_t n) { return ((n - 4) / 2 - 4) / 2; };
  const std::size_t flat = 50 * side(problem.input[1]) * side(problem.input[2]);
  Spec spec = empty_spec(problem);
  spec.layers = {conv2d(problem.input[0], 20, {5}),
                 relu(),
                 max_pool(2),
                 conv2d(20, 50, {5}),
                 relu(),
                 max_pool(2),
                 flatten(),
                 linear(flat, 500),
                 relu(),
                 linear(500, problem.outputs)};
  return spec;
}

constexpr double kVggEps = 1e-3;
constexpr scalemix::Parameter kVggScale{"scale", 1, 0, 128, true, false, "factor of the widths"};

std::size_t scaled(std::string_view who, double k, std::size_t width) {
  const double value = std::round(k * static_cast<double>(width));
  if (!(value >= 1 && value <= 65536)) {
    throw ConfigError(
        fmt::format("{}: expected a scale that leaves widths in [1, 65536], got {}", who, k));
  }
  return static_cast<std::size_t>(value);
}

Spec vgg(std::string_view argument, const Problem& problem) {
  const double k = argument.empty() ? 1 : read_value("vgg", kVggScale, argument);
  check_image("vgg", problem, 32);
  Spec spec = empty_spec(problem);
  std::size_t channels = problem.input[0];
  const std::vector<std::pair<std::size_t, int>> stages{
      {64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};
  for (const auto& [base, repeats] : stages) {
    for (int r = 0; r < repeats; ++r) {
      const std::size_t width = scaled("vgg", k, base);
      append(spec.layers,
             {conv2d(channels, width, {3, 1, 1}, false), batch_norm(width, kVggEps), relu()});
      channels = width;
    }
    spec.layers.push_back(max_pool(2));
  }
  const std::size_t flat = channels * (problem.input[1] / 32) * (problem.input[2] / 32);
  append(spec.layers, {flatten(), linear(flat, channels, false), batch_norm(channels, kVggEps),
                       relu(), linear(channels, problem.outputs)});
  return spec;
}

constexpr double kResnetEps = 1e-5;

Layer resnet_block(std::size_t in, std::size_t out, std::size_t stride) {
  Layers branch{conv2d(in, out, {3, stride, 1}, false), batch_norm(out, kResnetEps), relu(),
                conv2d(out, out, {3, 1, 1}, false), batch_norm(out, kResnetEps)};
  if (in == out && stride == 1) return residual(std::move(branch));
  return residual(std::move(branch),
                  {conv2d(in, out, {1, stride, 0}, false), batch_norm(out, kResnetEps)});
}

Spec resnet(std::string_view argument, const Problem& problem) {
  const std::size_t blocks = read_count("resnet", argument);
  check_layers("resnet", 3 * (kBlockLayers + 2) * std::uint64_t{blocks});
  check_image("resnet", problem, 4);
  Spec spec = empty_spec(problem);
  spec.layers = {conv2d(problem.input[0], 16, {3, 1, 1}, false), batch_norm(16, kResnetEps),
                 relu()};
  std::size_t channels = 16;
  for (const std::size_t width : {std::size_t{16}, std::size_t{32}, std::size_t{64}}) {
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::size_t stride = b == 0 && width != 16 ? 2 : 1;
      append(spec.layers, {resnet_block(channels, width, stride), relu()});
      channels = width;
    }
  }
  append(spec.layers, {avg_pool(0), flatten(), linear(64, problem.outputs)});
  return spec;
}

// ------------------------------------------------------------------------------ files

nlohmann::json read_json(const std::string& path) {
  const std::string text = read_file(path);
  try {
    return parse_json(text);
  } catch (const std::invalid_argument& error) {
    throw DataError(path, 0, 0, std::string("not JSON: ") + error.what());
  }
}

/// The problem decides; a file that says otherwise is refused.
void settle(OpenSpec& open, const Problem& problem) {
  Spec& spec = open.spec;
  const bool shape = spec.input.empty() || spec.input == problem.input;
  const bool task = !open.task || *open.task == problem.task;
  const bool outputs = spec.outputs == 0 || spec.outputs == problem.outputs;
  if (!shape || !task || !outputs) {
    throw std::invalid_argument(fmt::format(
        "made for input {}, {}, {} outputs; the data has {}, {}, {}", shape_text(spec.input),
        open.task ? task_name(*open.task) : "any task", spec.outputs, shape_text(problem.input),
        task_name(problem.task), problem.outputs));
  }
  spec.input = problem.input;
  spec.task = problem.task;
  spec.outputs = problem.outputs;
}

Spec from_file(const std::string& path, const Problem& problem) {
  const nlohmann::json json = read_json(path);
  try {
    OpenSpec open = open_spec_from_json(json);
    settle(open, problem);
    fill(open.spec);
    open.spec.number();
    open.spec.validate();
    return std::move(open.spec);
  } catch (const std::invalid_argument& error) {
    throw DataError(path, 0, 0, error.what());
  }
}

/// The network of a model in a file, with its noise; its weights are not taken.
Spec from_model(const std::string& path, const Problem& problem) {
  Spec spec = load_model(path).spec;
  if (spec.input != problem.input || spec.task != problem.task || spec.outputs != problem.outputs) {
    throw ConfigError(fmt::format("{}: its network takes {} and gives {}, the data has {} and {}",
                                  path, shape_text(spec.input), spec.outputs,
                                  shape_text(problem.input), problem.outputs));
  }
  return spec;
}

Spec from_table(std::string_view word, const Problem& problem) {
  const auto [name, argument] = split_word(word);
  std::vector<std::string> known;
  for (const ArchitectureRow& row : architectures()) {
    if (row.name == name) return row.make(argument, problem);
    known.emplace_back(row.name);
  }
  known.emplace_back("FILE.json");
  known.emplace_back("FILE.safetensors");
  throw ConfigError(unknown("architecture", name, known));
}

}  // namespace

const std::vector<ArchitectureRow>& architectures() {
  static const std::vector<ArchitectureRow> rows{
      {"linear", "linear", "one linear layer: linear or logistic regression", "", linear_model},
      {"mlp", "mlp:300-100",
       "linear layers of these widths with ReLU (or another) between: 300x60,tanh", "", mlp_word},
      {"skipmlp", "skipmlp:50x1",
       "residual blocks x + relu(W x + b), one matrix each: width x blocks",
       "Nalisnick, Hernandez-Lobato & Smyth (2019)", skipmlp},
      {"resmlp", "resmlp:50x3", "residual blocks of relu-linear-relu-linear: width x blocks",
       "He, Zhang, Ren & Sun (2016), Identity mappings in deep residual networks", resmlp},
      {"lenet5", "lenet5", "two 5x5 convolutions (20, 50), pooling, 500 units",
       "LeCun, Bottou, Bengio & Haffner (1998); the Caffe variant", lenet5},
      {"vgg", "vgg:0.5", "thirteen 3x3 convolutions with batch normalisation, widths times k",
       "Simonyan & Zisserman (2015); the CIFAR variant of Zagoruyko (2015)", vgg},
      {"resnet", "resnet:3", "residual network of 6 N + 2 layers for small images",
       "He, Zhang, Ren & Sun (2016), Deep residual learning, section 4.2", resnet},
  };
  return rows;
}

Spec architecture(std::string_view word, const Problem& problem) {
  if (word.ends_with(".safetensors")) return from_model(std::string(word), problem);
  if (word.ends_with(".json")) {
    Spec spec = from_file(std::string(word), problem);
    if (spec.architecture.empty()) spec.architecture = word;
    return spec;
  }
  Spec spec = from_table(word, problem);
  spec.architecture = word;
  spec.number();
  spec.validate();
  return spec;
}

}  // namespace scalemix::inline v0::model
