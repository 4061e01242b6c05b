// What stands in front of each layer with weights.

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/run/initial_weights.h"
#include "scalemix/signal/activation.h"

namespace scalemix::inline v0::run {
namespace {

bool is_activation(const model::Layer& layer) {
  if (model::has_weights(layer)) return false;  // a linear layer is not the linear activation
  const auto rows = signal::activations();
  return std::any_of(rows.begin(), rows.end(),
                     [&](const signal::ActivationRow& row) { return row.name == layer.type; });
}

std::string word_of(const model::Layer& layer) {
  if (layer.type != "leaky_relu") return layer.type;
  return fmt::format("leaky_relu:slope={}", layer.slope);
}

signal::NoiseMoments noise_of(const model::Layer& layer) {
  const auto law = law::AnyLaw::parse(layer.law);
  return layer.mode == model::Mode::add ? signal::additive(law) : signal::multiplicative(law);
}

class Walk {
 public:
  explicit Walk(std::vector<WeightSite>& sites) : sites_(sites) {}

  void run(const std::vector<model::Layer>& layers) {
    for (const model::Layer& layer : layers) visit(layer);
  }

 private:
  void visit(const model::Layer& layer) {
    if (layer.type == "residual") return residual(layer);
    if (layer.type == "noise") noise_ = signal::joined(noise_, noise_of(layer));
    if (is_activation(layer)) {
      activation_ = word_of(layer);
      if (open_) sites_.back().next = activation_;
      open_ = false;
    }
    if (model::has_weights(layer)) weights(layer);
  }

  void weights(const model::Layer& layer) {
    const double window =
        layer.type == "conv2d" ? static_cast<double>(layer.kernel * layer.kernel) : 1;
    signal::NoiseMoments noise = noise_;
    if (!layer.weight_law.empty()) {
      noise = signal::joined(noise, signal::multiplicative(law::AnyLaw::parse(layer.weight_law)));
    }
    sites_.push_back({.layer = &layer,
                      .fan_in = static_cast<double>(layer.in) * window,
                      .fan_out = static_cast<double>(layer.out) * window,
                      .activation = activation_,
                      .next = {},
                      .noise = noise,
                      .first = sites_.empty()});
    activation_.clear();
    noise_ = {};
    open_ = true;
  }

  /// Branch and shortcut begin with what reaches the block; behind it nothing is in front.
  void residual(const model::Layer& layer) {
    const std::string activation = activation_;
    const signal::NoiseMoments noise = noise_;
    const std::size_t before = sites_.size();
    run(layer.branch);
    const bool normalised =
        std::any_of(layer.branch.begin(), layer.branch.end(),
                    [](const model::Layer& inner) { return inner.type == "batch_norm"; });
    if (sites_.size() > before) sites_.back().branch_end = !normalised;
    activation_ = activation;
    noise_ = noise;
    run(layer.shortcut);
    activation_.clear();
    noise_ = {};
    open_ = false;
  }

  std::vector<WeightSite>& sites_;
  std::string activation_;
  signal::NoiseMoments noise_;
  bool open_ = false;  // no activation yet behind the last weights
};

std::size_t blocks_of(const std::vector<model::Layer>& layers) {
  std::size_t count = 0;
  for (const model::Layer& layer : layers) {
    count += layer.type == "residual";
    count += blocks_of(layer.branch) + blocks_of(layer.shortcut);
  }
  return count;
}

}  // namespace

std::vector<WeightSite> weight_sites(const model::Spec& spec) {
  std::vector<WeightSite> sites;
  Walk(sites).run(spec.layers);
  if (!sites.empty()) sites.back().last = true;
  return sites;
}

std::size_t residual_blocks(const model::Spec& spec) { return blocks_of(spec.layers); }

}  // namespace scalemix::inline v0::run
