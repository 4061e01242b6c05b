#include "scalemix/model/architecture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <stdexcept>

#include "scalemix/base/error.h"
#include "scalemix/base/nearest.h"
#include "scalemix/kernel/activation.h"
#include "scalemix/model/arguments.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/read_file.h"
#include "scalemix/model/spec_json.h"

namespace scalemix::inline v0::model {
namespace {

using Layers = std::vector<Layer>;

// ------------------------------------------------------------------------------ layers

Layer plain(std::string type) {
  Layer layer;
  layer.type = std::move(type);
  return layer;
}

Layer linear(std::size_t in, std::size_t out, bool bias = true) {
  Layer layer = plain("linear");
  layer.in = in;
  layer.out = out;
  layer.bias = bias;
  return layer;
}

struct Window {
  std::size_t kernel = 3, stride = 1, padding = 0;
};

Layer conv(std::size_t in, std::size_t out, Window window, bool bias = true) {
  Layer layer = linear(in, out, bias);
  layer.type = "conv2d";
  layer.kernel = window.kernel;
  layer.stride = window.stride;
  layer.padding = window.padding;
  return layer;
}

Layer batch_norm(std::size_t channels, double eps) {
  Layer layer = plain("batch_norm");
  layer.in = layer.out = channels;
  layer.eps = eps;
  return layer;
}

Layer pool(std::string type, std::size_t kernel) {
  Layer layer = plain(std::move(type));
  layer.kernel = kernel;
  layer.stride = kernel == 0 ? 1 : kernel;
  return layer;
}

Layer residual(Layers branch, Layers shortcut = {}) {
  Layer layer = plain("residual");
  layer.branch = std::move(branch);
  layer.shortcut = std::move(shortcut);
  return layer;
}

void append(Layers& to, const Layers& more) { to.insert(to.end(), more.begin(), more.end()); }

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
  if (problem.input.size() > 1) spec.layers.push_back(plain("flatten"));
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
    const std::size_t width = parse_count("mlp", part.substr(0, times));
    const std::size_t count =
        times == std::string_view::npos ? 1 : parse_count("mlp", part.substr(times + 1));
    if (count > kMostHidden) {
      throw ConfigError(fmt::format("mlp: at most {} layers, got {}", kMostHidden, count));
    }
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
  throw ConfigError(fmt::format("mlp: unknown activation '{}'{} (known: {})", name,
                                did_you_mean(name, known), fmt::join(known, ", ")));
}

Spec mlp(std::string_view argument, const Problem& problem) {
  Spec spec = flat_spec(problem);
  std::size_t width = elements(problem.input);
  const std::size_t comma = argument.find(',');
  const bool named = comma != std::string_view::npos;
  const std::string activation =
      hidden_activation(named ? argument.substr(comma + 1) : std::string_view());
  for (const std::size_t next : hidden_widths(argument.substr(0, comma))) {
    append(spec.layers, {linear(width, next), plain(activation)});
    width = next;
  }
  spec.layers.push_back(linear(width, problem.outputs));
  return spec;
}

Spec linear_model(std::string_view argument, const Problem& problem) {
  check_bare("linear", argument);
  return mlp("", problem);
}

Spec resmlp(std::string_view argument, const Problem& problem) {
  const std::vector<std::string_view> parts = split(argument, 'x');
  if (parts.size() != 2) {
    throw ConfigError(
        fmt::format("resmlp: expected WIDTHxBLOCKS (resmlp:50x3), got '{}'", argument));
  }
  const std::size_t width = parse_count("resmlp", parts[0]);
  const std::size_t blocks = parse_count("resmlp", parts[1]);
  Spec spec = flat_spec(problem);
  spec.layers.push_back(linear(elements(problem.input), width));
  for (std::size_t b = 0; b < blocks; ++b) {
    spec.layers.push_back(
        residual({plain("relu"), linear(width, width), plain("relu"), linear(width, width)}));
  }
  append(spec.layers, {plain("relu"), linear(width, problem.outputs)});
  return spec;
}

Spec lenet5(std::string_view argument, const Problem& problem) {
  check_bare("lenet5", argument);
  check_image("lenet5", problem, 16);
  const auto side = [](std::size_t n) { return ((n - 4) / 2 - 4) / 2; };
  const std::size_t flat = 50 * side(problem.input[1]) * side(problem.input[2]);
  Spec spec = empty_spec(problem);
  spec.layers = {conv(problem.input[0], 20, {5}),
                 plain("relu"),
                 pool("max_pool", 2),
                 conv(20, 50, {5}),
                 plain("relu"),
                 pool("max_pool", 2),
                 plain("flatten"),
                 linear(flat, 500),
                 plain("relu"),
                 linear(500, problem.outputs)};
  return spec;
}

constexpr double kVggEps = 1e-3;

std::size_t scaled(std::string_view who, double k, std::size_t width) {
  const double value = std::round(k * static_cast<double>(width));
  if (!(value >= 1 && value <= 65536)) {
    throw ConfigError(
        fmt::format("{}: expected a scale that leaves widths in [1, 65536], got {}", who, k));
  }
  return static_cast<std::size_t>(value);
}

Spec vgg(std::string_view argument, const Problem& problem) {
  const double k = argument.empty() ? 1 : parse_number("vgg", "the scale", argument);
  check_image("vgg", problem, 32);
  Spec spec = empty_spec(problem);
  std::size_t channels = problem.input[0];
  const std::vector<std::pair<std::size_t, int>> stages{
      {64, 2}, {128, 2}, {256, 3}, {512, 3}, {512, 3}};
  for (const auto& [base, repeats] : stages) {
    for (int r = 0; r < repeats; ++r) {
      const std::size_t width = scaled("vgg", k, base);
      append(spec.layers,
             {conv(channels, width, {3, 1, 1}, false), batch_norm(width, kVggEps), plain("relu")});
      channels = width;
    }
    spec.layers.push_back(pool("max_pool", 2));
  }
  const std::size_t flat = channels * (problem.input[1] / 32) * (problem.input[2] / 32);
  append(spec.layers,
         {plain("flatten"), linear(flat, channels, false), batch_norm(channels, kVggEps),
          plain("relu"), linear(channels, problem.outputs)});
  return spec;
}

constexpr double kResnetEps = 1e-5;

Layer resnet_block(std::size_t in, std::size_t out, std::size_t stride) {
  Layers branch{conv(in, out, {3, stride, 1}, false), batch_norm(out, kResnetEps), plain("relu"),
                conv(out, out, {3, 1, 1}, false), batch_norm(out, kResnetEps)};
  if (in == out && stride == 1) return residual(std::move(branch));
  return residual(std::move(branch),
                  {conv(in, out, {1, stride, 0}, false), batch_norm(out, kResnetEps)});
}

Spec resnet(std::string_view argument, const Problem& problem) {
  const std::size_t blocks = parse_count("resnet", argument);
  check_image("resnet", problem, 4);
  Spec spec = empty_spec(problem);
  spec.layers = {conv(problem.input[0], 16, {3, 1, 1}, false), batch_norm(16, kResnetEps),
                 plain("relu")};
  std::size_t channels = 16;
  for (const std::size_t width : {std::size_t{16}, std::size_t{32}, std::size_t{64}}) {
    for (std::size_t b = 0; b < blocks; ++b) {
      const std::size_t stride = b == 0 && width != 16 ? 2 : 1;
      append(spec.layers, {resnet_block(channels, width, stride), plain("relu")});
      channels = width;
    }
  }
  append(spec.layers, {pool("avg_pool", 0), plain("flatten"), linear(64, problem.outputs)});
  return spec;
}

// ------------------------------------------------------------------------------ files

nlohmann::json read_json(const std::string& path) {
  const std::string text = read_file(path);
  try {
    return nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
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

std::vector<std::string> words() {
  std::vector<std::string> out;
  for (const ArchitectureRow& row : architectures()) out.emplace_back(row.name);
  return out;
}

Spec from_table(std::string_view word, const Problem& problem) {
  const auto [name, argument] = split_word(word);
  for (const ArchitectureRow& row : architectures()) {
    if (row.name == name) return row.make(argument, problem);
  }
  throw ConfigError(
      fmt::format("unknown architecture '{}'{} (known: {}, or a file ending in .json)", name,
                  did_you_mean(name, words()), fmt::join(words(), ", ")));
}

}  // namespace

const std::vector<ArchitectureRow>& architectures() {
  static const std::vector<ArchitectureRow> rows{
      {"linear", "linear", "one linear layer: linear or logistic regression", "", linear_model},
      {"mlp", "mlp:300-100",
       "linear layers of these widths with ReLU (or another) between: 300x60,tanh", "", mlp},
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
