#include "scalemix/model/predictor_plan.h"

#include <algorithm>
#include <cmath>

#include "scalemix/model/layer_kind.h"
#include "scalemix/model/sparsity.h"

namespace scalemix::inline v0::model {
namespace {

using Kind = Step::Kind;

class Planner {
 public:
  explicit Planner(Predictor::Plan& plan) : plan_(plan) {}

  std::vector<Step> steps(const std::vector<Layer>& layers, Shape shape, std::size_t level) {
    if (plan_.level_width.size() <= level) plan_.level_width.resize(level + 1);
    widen(plan_.level_width[level], elements(shape));
    std::vector<Step> out;
    for (const Layer& layer : layers) {
      const Shape next = output_shape(layer, shape);
      if (layer.type != "flatten") {
        out.push_back(step(layer, shape, level));
        out.back().in = elements(shape);
        out.back().out = elements(next);
        out.back().stochastic = stochastic(layer);
      }
      widen(plan_.level_width[level], elements(next));
      shape = next;
    }
    return out;
  }

 private:
  static void widen(std::size_t& most, std::size_t value) { most = std::max(most, value); }

  std::vector<float> tensor(const Layer& layer, const char* name) const {
    return plan_.model.tensors.at(layer.name + "." + name).floats();
  }

  Step step(const Layer& layer, const Shape& in, std::size_t level) {
    Step out;
    out.stream = stream_id(Purpose::predict, layer.site);
    if (has_weights(layer)) {
      weights(layer, in, out);
    } else if (layer.type == "batch_norm") {
      batch_norm(layer, in, out);
    } else if (layer.type == "max_pool" || layer.type == "avg_pool") {
      pool(layer, in, out);
    } else if (layer.type == "residual") {
      out.kind = Kind::residual;
      out.shortcut = steps(layer.shortcut, in, level);
      out.branch = steps(layer.branch, in, level + 1);
    } else if (layer.type == "noise") {
      noise(layer, in, out);
    } else {
      out.kind = Kind::activation;
      out.activation = kernel::find_activation(layer.type).value();
      out.slope = static_cast<float>(layer.slope);
    }
    return out;
  }

  void weights(const Layer& layer, const Shape& in, Step& out) {
    out.kind = layer.type == "linear" ? Kind::linear : Kind::conv2d;
    out.weight = deterministic_weights(plan_.model, layer);
    if (layer.bias) out.bias = tensor(layer, "bias");
    if (out.kind == Kind::conv2d) {
      out.conv = {1, in[0], in[1], in[2], layer.out, {layer.kernel, layer.stride, layer.padding}};
    }
    if (layer.posterior == "svdo") posterior(layer, in, out);
    if (!layer.weight_law.empty()) {
      out.law = law::AnyLaw::parse(layer.weight_law);
      out.free = tensor(layer, "weight");
      out.site.columns = out.free.size();
      widen(plan_.weights, out.free.size());
    }
  }

  void posterior(const Layer& layer, const Shape& in, Step& out) {
    out.law = law::AnyLaw::parse("normal:scale=1");
    out.variance = kept_variances(plan_.model, layer);
    out.site.columns = elements(output_shape(layer, in));
    widen(plan_.square_width, elements(in));
    widen(plan_.variance_width, out.site.columns);
  }

  void batch_norm(const Layer& layer, const Shape& in, Step& out) const {
    out.kind = Kind::affine;
    out.channels = in[0];
    out.scale.resize(in[0]);
    out.shift.resize(in[0]);
    kernel::fold_batch_norm(in[0], tensor(layer, "running_mean").data(),
                            tensor(layer, "running_var").data(), tensor(layer, "weight").data(),
                            tensor(layer, "bias").data(), layer.eps, out.scale.data(),
                            out.shift.data());
  }

  static void pool(const Layer& layer, const Shape& in, Step& out) {
    out.kind = layer.type == "max_pool" ? Kind::max_pool : Kind::avg_pool;
    out.pool = {1, in[0], in[1], in[2], {layer.kernel, layer.stride, layer.padding}};
  }

  static void noise(const Layer& layer, const Shape& in, Step& out) {
    out.kind = Kind::noise;
    out.law = law::AnyLaw::parse(layer.law);
    out.mode = layer.mode == Mode::add ? kernel::Mode::add : kernel::Mode::multiply;
    out.site.columns = site_columns(layer.at, in);
    out.site.inner = elements(in) / out.site.columns;
    out.site.width = layer.width;
    out.site.logical = layer.columns.empty() ? nullptr : layer.columns.data();
    const double mean = out.law->mean();
    const double shift = std::isfinite(mean) ? mean : out.law->quantile(0.5);
    out.centre = static_cast<float>(layer.mode == Mode::add ? shift : out.law->centre());
  }

  Predictor::Plan& plan_;
};

std::vector<float> noise_variance(const Model& model) {
  if (model.spec.task != Task::regression) return {};
  const double scale = model.preprocessing.target_scale;
  std::vector<float> out = model.tensors.at("output.log_precision").floats();
  for (float& value : out) {
    value = static_cast<float>(std::exp(-static_cast<double>(value)) * scale * scale);
  }
  return out;
}

}  // namespace

Predictor::Plan make_plan(Model model) {
  check_model(model);
  Predictor::Plan plan;
  plan.model = std::move(model);
  const Spec& spec = plan.model.spec;
  plan.width = elements(spec.input);
  plan.outputs = spec.outputs;
  plan.steps = Planner(plan).steps(spec.layers, spec.input, 0);
  const auto draws = [](const Step& step) { return step.stochastic; };
  plan.first_draw = static_cast<std::size_t>(
      std::find_if(plan.steps.begin(), plan.steps.end(), draws) - plan.steps.begin());
  plan.noise_variance = noise_variance(plan.model);
  return plan;
}

std::size_t conv_scratch(const std::vector<Step>& steps, std::size_t rows) {
  std::size_t most = 0;
  for (const Step& step : steps) {
    if (step.kind == Kind::conv2d) {
      kernel::Conv2d shape = step.conv;
      shape.n = rows;
      most = std::max(most, kernel::conv2d_scratch(shape));
    }
    most = std::max({most, conv_scratch(step.branch, rows), conv_scratch(step.shortcut, rows)});
  }
  return most;
}

}  // namespace scalemix::inline v0::model
