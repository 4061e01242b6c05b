#include "scalemix/model/method_ic.h"

#include <stdexcept>

#include "scalemix/law/any_law.h"
#include "scalemix/model/build.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::model {
namespace {

enum Order { a, b, c };

const std::vector<scalemix::Parameter>& parameters() {
  static const std::vector<scalemix::Parameter> all{
      {"p", 0.05, 0, 1, false, true, "drop probability"},
      choice("order", "a|b|c", "of a residual branch"),
      choice("first", "on|off", "before the first layer with weights as well")};
  return all;
}

bool is(const Layer& layer, Family family) { return layer_kind(layer.type).family == family; }
bool is_batch_norm(const Layer& layer) { return layer_kind(layer.type).of_batch; }

class Rewriting {
 public:
  Rewriting(double p, Order order, bool first) : p_(p), order_(order), skip_(!first) {}

  std::vector<Layer> chain(const std::vector<Layer>& layers, Shape shape) {
    std::vector<Layer> out;
    const Layer* activation = nullptr;  // of the last block's branch, by order a
    for (const Layer& layer : layers) {
      const Shape next = output_shape(layer, shape);
      if (is(layer, Family::residual)) {
        out.push_back(block(layer, shape, activation));
      } else if (activation && is(layer, Family::activation)) {
        // That of the sum: the next block begins with its own.
      } else if (!is_batch_norm(layer)) {
        if (activation && order_ == a) out.push_back(plain(*activation));
        activation = nullptr;
        if (has_weights(layer)) put_ic(out, shape);
        out.push_back(with_bias(layer));
      }
      shape = next;
    }
    return out;
  }

  std::size_t places() const { return places_; }

 private:
  static Layer plain(const Layer& layer) {
    Layer out = layer;
    out.site = 0;
    out.name.clear();
    return out;
  }
  /// What batch normalisation shifted before.
  static Layer with_bias(Layer layer) {
    if (has_weights(layer)) layer.bias = true;
    return layer;
  }

  void put_ic(std::vector<Layer>& out, const Shape& shape) {
    if (skip_) return void(skip_ = false);
    out.push_back(batch_norm(shape[0]));
    Layer noise{.type = "noise", .at = Site::unit, .width = elements(shape)};
    noise.noise = {noise_of("multiply", law::AnyLaw::make("bernoulli", std::vector{p_}).spec())};
    out.push_back(noise);
    ++places_;
  }

  Layer block(const Layer& layer, const Shape& in, const Layer*& activation) {
    Layer out = layer;
    out.branch.clear();
    Shape shape = in;
    const Layer* act = nullptr;
    for (const Layer& one : layer.branch) {
      if (is(one, Family::activation)) act = &one;
    }
    if (!act) throw std::invalid_argument("ic: a residual branch without an activation");
    for (const Layer& one : layer.branch) {
      const Shape next = output_shape(one, shape);
      if (has_weights(one)) {
        if (order_ == a) out.branch.push_back(plain(*act));
        if (order_ != c) put_ic(out.branch, shape);
        out.branch.push_back(with_bias(one));
        if (order_ != a) out.branch.push_back(plain(*act));
        if (order_ == c) put_ic(out.branch, next);
      } else if (!is(one, Family::activation) && !is_batch_norm(one)) {
        out.branch.push_back(one);
      }
      shape = next;
    }
    if (!layer.shortcut.empty()) out.shortcut = chain(layer.shortcut, in);
    activation = act;
    return out;
  }

  double p_;
  Order order_;
  bool skip_;
  std::size_t places_ = 0;
};

}  // namespace

MethodRow ic_row() {
  MethodRow out{"ic",
                "batch normalisation and dropout before every layer with weights, no other",
                "Chen, Chen, Shi, Hsieh, Liao & Zhang (2019)",
                parameters(),
                {},
                "unit",
                "multiply"};
  out.decorate = [](Spec& spec, std::string_view argument) {
    const std::vector<double> values = read_values("ic", parameters(), argument).values;
    Rewriting rewriting(values[0], static_cast<Order>(static_cast<int>(values[1])), values[2] == 0);
    spec.layers = rewriting.chain(spec.layers, spec.input);
    if (rewriting.places() == 0) {
      throw std::invalid_argument("ic: no place for it: the network has too few weight layers");
    }
    spec.methods.push_back(write_word("ic", parameters(), values));
  };
  return out;
}

}  // namespace scalemix::inline v0::model
