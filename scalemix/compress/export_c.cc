#include "scalemix/compress/export_c.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdint>
#include <map>

#include "scalemix/base/error.h"
#include "scalemix/compress/c_functions.h"
#include "scalemix/compress/graph.h"

namespace scalemix::inline v0::compress {
namespace {

using kernel::Activation;
using model::elements;
using Kind = Step::Kind;

constexpr double kMostlyZero = 0.6;

/// C of each activation, of x and the slope a.
std::string_view c_of(Activation f) {
  switch (f) {
    case Activation::identity:
      return "x";
    case Activation::relu:
      return "x < 0 ? 0 : x";
    case Activation::leaky_relu:
      return "x < 0 ? a * x : x";
    case Activation::tanh:
      return "tanhf(x)";
    case Activation::sigmoid:
      return "1 / (1 + expf(-x))";
    case Activation::gelu:
      return "(float)(x * erfc(-x * 0.70710678118654752) / 2)";
    case Activation::silu:
      return "x / (1 + expf(-x))";
    case Activation::elu:
      return "x < 0 ? expm1f(x) : x";
    case Activation::selu:
      return "x < 0 ? 1.7580993408473768599f * expm1f(x) : 1.0507009873554804934f * x";
    case Activation::hard_tanh:
      return "x < -1 ? -1 : x > 1 ? 1 : x";
    case Activation::sine:
      return "(float)sin(x)";
    case Activation::erf:
      return "(float)erf(a * x)";
  }
  throw ConfigError("export: an activation without a form in C");
}

std::string number(float v) {
  if (std::isinf(v)) return v > 0 ? "INFINITY" : "-INFINITY";
  const std::string text = fmt::format("{:.9g}", v);
  return text + (text.find_first_of(".e") == std::string::npos ? ".0f" : "f");
}

class Writer {
 public:
  Writer(const Graph& graph, std::string name) : g_(graph), name_(std::move(name)) {}

  CSource write() {
    place();
    for (const Step& step : g_.steps) emit(step);
    return {header(), source()};
  }

 private:
  template <class T, class Text>
  void array(const std::string& type, const std::string& name, const std::vector<T>& values,
             const Text& text) {
    data_ += fmt::format("static const {} {}[{}] = {{", type, name,
                         std::max<std::size_t>(1, values.size()));
    for (std::size_t i = 0; i < values.size(); ++i) {
      data_ += fmt::format("{}{}", i % 8 == 0 ? "\n  " : " ", text(values[i]));
      data_ += ',';
    }
    data_ += values.empty() ? "0};\n" : "\n};\n";
  }
  void floats(const std::string& name, const std::vector<float>& values) {
    array("float", name, values, number);
  }

  /// Where each value lies in the work space: a value's memory is free after its last reader.
  void place() {
    const std::size_t n = g_.values.size();
    std::vector<std::size_t> last(n, 0);
    for (std::size_t s = 0; s < g_.steps.size(); ++s) {
      for (const std::size_t v : {g_.steps[s].x, g_.steps[s].other}) {
        if (v != kNoValue) last[v] = s + 1;
      }
    }
    last.back() = g_.steps.size() + 1;
    struct Piece {
      std::size_t first, count, until;
    };
    std::vector<Piece> taken;
    at_.resize(n);
    const auto take = [&](std::size_t v, std::size_t now) {
      std::erase_if(taken, [&](const Piece& p) { return p.until < now; });
      std::sort(taken.begin(), taken.end(),
                [](const Piece& a, const Piece& b) { return a.first < b.first; });
      const std::size_t count = elements(g_.values[v]);
      std::size_t first = 0;
      for (const Piece& p : taken) {
        if (first + count <= p.first) break;
        first = std::max(first, p.first + p.count);
      }
      taken.push_back({first, count, last[v]});
      at_[v] = first;
      work_ = std::max(work_, first + count);
    };
    take(0, 0);
    for (std::size_t s = 0; s < g_.steps.size(); ++s) take(g_.steps[s].y, s + 1);
  }

  std::string at(std::size_t value) const { return fmt::format("work + {}", at_[value]); }

  template <class... Args>
  void line(fmt::format_string<Args...> text, Args&&... args) {
    body_ += "  " + fmt::format(text, std::forward<Args>(args)...) + "\n";
  }

  /// A function that several steps call, written once.
  void need(const std::string& name, const std::string& text) { functions_.emplace(name, text); }

  void emit(const Step& step) {
    const std::string id = fmt::format("{}_{}", name_, arrays_++);
    const std::string x = at(step.x), y = at(step.y);
    const std::size_t channels = step.in[0], inner = elements(step.in) / channels;
    line("/* {} */", step.name);
    switch (step.kind) {
      case Kind::product:
        return product(step, id);
      case Kind::conv:
        need("conv", kConv);
        floats(id + "_w", step.w);
        floats(id + "_b", step.b);
        line("conv({}, {}_w, {}_b, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});", x, id, id, y,
             channels, step.in[1], step.in[2], step.out[0], step.out[1], step.out[2], step.kernel,
             step.stride, step.padding);
        return;
      case Kind::scale: {
        need("scale", kScale);
        floats(id + "_w", step.w);
        floats(id + "_b", step.b);
        line("scale({}, {}_w, {}_b, {}, {}, {});", x, id, id, y, step.w.size(),
             elements(step.in) / step.w.size());
        return;
      }
      case Kind::activation: {
        const std::string f(kernel::activation_row(step.activation).name);
        need(f, fmt::format("static void {}_all(const float *from, float *to, int n, float a) {{\n"
                            "  for (int i = 0; i < n; ++i) {{\n    const float x = from[i];\n"
                            "    to[i] = {};\n  }}\n  (void)a;\n}}\n",
                            f, c_of(step.activation)));
        line("{}_all({}, {}, {}, {});", f, x, y, elements(step.in),
             number(static_cast<float>(step.slope)));
        return;
      }
      case Kind::max_pool:
      case Kind::avg_pool:
        need("pool", kPool);
        line("pool({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {});", x, y, channels, step.in[1],
             step.in[2], step.out[1], step.out[2], step.kernel, step.stride, step.padding,
             step.kind == Kind::max_pool ? 1 : 0);
        return;
      case Kind::max_plane:
      case Kind::mean_plane:
        need("plane", kPlane);
        line("plane({}, {}, {}, {}, {});", x, y, channels, inner,
             step.kind == Kind::max_plane ? 1 : 0);
        return;
      case Kind::row_norm:
        need("row_norm", kRowNorm);
        floats(id + "_w", step.w);
        floats(id + "_b", step.b);
        line("row_norm({}, {}_w, {}_b, {}, {}, {:.17g});", x, id, id, y, elements(step.in),
             step.eps);
        return;
      case Kind::add:
        need("add", kAdd);
        line("add({}, {}, {}, {});", x, at(step.other), y, elements(step.out));
        return;
      case Kind::noise:
        break;
    }
    throw ConfigError("export: noise has no form in C");
  }

  void product(const Step& step, const std::string& id) {
    const std::size_t in = elements(step.in), out = step.out[0];
    floats(id + "_b", step.b);
    const auto zeros = static_cast<double>(std::count(step.w.begin(), step.w.end(), 0.0f));
    if (zeros < kMostlyZero * static_cast<double>(step.w.size())) {
      need("product", kProduct);
      floats(id + "_w", step.w);
      line("product({}, {}_w, {}_b, {}, {}, {});", at(step.x), id, id, at(step.y), in, out);
      return;
    }
    need("sparse", kSparse);
    std::vector<float> values;
    std::vector<std::uint32_t> columns, start{0};
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        if (step.w[o * in + i] == 0) continue;
        values.push_back(step.w[o * in + i]);
        columns.push_back(static_cast<std::uint32_t>(i));
      }
      start.push_back(static_cast<std::uint32_t>(values.size()));
    }
    // One type for all layers: the function takes it.
    array("unsigned int", id + "_start", start,
          [](std::uint32_t v) { return fmt::format("{}", v); });
    array("unsigned int", id + "_column", columns,
          [](std::uint32_t v) { return fmt::format("{}", v); });
    floats(id + "_w", values);
    line("sparse({}, {}_w, {}_start, {}_column, {}_b, {}, {});", at(step.x), id, id, id, id,
         at(step.y), out);
  }

  std::string standardise() {
    const model::Preprocessing& p = g_.model.preprocessing;
    const std::size_t n = elements(g_.values[0]);
    if (p.mean.empty()) {
      return fmt::format("  for (int i = 0; i < {}; ++i) work[{} + i] = x[i] == x[i] ? x[i] : 0;\n",
                         n, at_[0]);
    }
    floats(name_ + "_mean", p.mean);
    floats(name_ + "_scale", p.scale);
    return fmt::format(
        "  for (int i = 0; i < {}; ++i) work[{} + i] = x[i] == x[i] ? (x[i] - {}_mean[i]) / {}_scale[i] : 0;\n",
        n, at_[0], name_, name_);
  }

  std::string finish() {
    const std::size_t n = elements(g_.values.back()), from = at_.back();
    const model::Preprocessing& p = g_.model.preprocessing;
    if (g_.model.spec.task == Task::regression) {
      return fmt::format(
          "  for (int i = 0; i < {}; ++i) y[i] = (float)(work[{} + i] * {:.17g} + {:.17g});\n", n,
          from, p.target_scale, p.target_mean);
    }
    need("softmax", kSoftmax);
    return fmt::format("  softmax(work + {}, y, {}, {:.17g});\n", from, n,
                       p.calibration.temperature);
  }

  std::string header() const {
    const model::Preprocessing& p = g_.model.preprocessing;
    std::string classes;
    for (std::size_t c = 0; c < p.classes.size(); ++c) {
      std::string name = p.classes[c];
      std::replace(name.begin(), name.end(), '*', '?');
      std::replace(name.begin(), name.end(), '\n', ' ');
      classes += fmt::format("   output {}: {}\n", c, name);
    }
    std::string upper = name_;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return fmt::format(
        "/* {0}: written by scalemix export. x: {2} numbers in their own units, NaN where missing; y: {3} {4};\n"
        "   work: memory for {5} floats, one for each call that runs at the same time.\n{6}*/\n"
        "#ifndef {1}_H\n#define {1}_H\n\n"
        "#define {1}_INPUTS {2}\n#define {1}_OUTPUTS {3}\n#define {1}_WORK {5}\n\n"
        "#ifdef __cplusplus\nextern \"C\" {{\n#endif\n"
        "void {0}_predict(const float *x, float *y, float *work);\n"
        "#ifdef __cplusplus\n}}\n#endif\n\n#endif\n",
        name_, upper, elements(g_.values[0]), elements(g_.values.back()),
        g_.model.spec.task == Task::regression ? "means in the target's units" : "probabilities",
        work_, classes);
  }

  std::string source() {
    const std::string begin = standardise(), end = finish();
    std::string out =
        fmt::format("#include \"{}.h\"\n\n#include <math.h>\n\n", name_) + data_ + "\n";
    for (const auto& [name, text] : functions_) out += text + "\n";
    return out + fmt::format("void {}_predict(const float *x, float *y, float *work) {{\n", name_) +
           begin + body_ + end + "}\n";
  }

  const Graph& g_;
  std::string name_, data_, body_;
  std::map<std::string, std::string> functions_;
  std::vector<std::size_t> at_;  // of each value in the work space
  std::size_t work_ = 0, arrays_ = 0;
};

}  // namespace

CSource export_c(const model::Model& model, const std::string& name) {
  const auto letter = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
  };
  if (name.empty() || !std::all_of(name.begin(), name.end(), letter) ||
      std::isdigit(static_cast<unsigned char>(name.front()))) {
    throw ConfigError(fmt::format("export: '{}' is no name in C", name));
  }
  const Graph graph = graph_of(model);
  return Writer(graph, name).write();
}

}  // namespace scalemix::inline v0::compress
