// What stands in front of each layer with weights.

#include <algorithm>

#include "scalemix/kernel/activation.h"
#include "scalemix/model/initial_weights.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/signal/activation.h"
#include "scalemix/signal/architecture.h"

namespace scalemix::inline v0::model {
namespace {

/// What a kind of noise does to what reaches the weights.
signal::NoiseMoments moments_of(const NoiseSignal& noise) {
  if (!noise.law) return {};
  if (!noise.add) return signal::multiplicative(*noise.law);
  if (noise.law->mean() == 0) return signal::additive(*noise.law);
  // The theory has no maps for noise that adds a mean; that it adds variance is all it takes here.
  const double scale = noise.law->normalised() ? noise.law->mean() * noise.law->mean() : 1;
  return {.additive = true, .s2 = noise.law->mu2() * scale};
}

signal::NoiseMoments drawn_moments(const Layer& layer) {
  const Noise* noise = drawn_noise(layer);
  return noise ? moments_of(noise_signal(*noise, layer)) : signal::NoiseMoments{};
}

class Walk {
 public:
  explicit Walk(std::vector<WeightSite>& sites) : sites_(sites) {}

  void run(const std::vector<Layer>& layers) {
    for (const Layer& layer : layers) visit(layer);
  }

 private:
  void visit(const Layer& layer) {
    const Family family = layer_kind(layer.type).family;
    if (family == Family::residual) return residual(layer);
    if (family == Family::noise) noise_ = signal::joined(noise_, drawn_moments(layer));
    if (std::string word = activation_word(layer); !word.empty()) {
      activation_ = std::move(word);
      if (open_) sites_.back().next = activation_;
      open_ = false;
    }
    if (has_weights(layer)) weights(layer);
  }

  void weights(const Layer& layer) {
    const signal::NoiseMoments noise = signal::joined(noise_, drawn_moments(layer));
    sites_.push_back({.layer = &layer,
                      .fan_in = fan_in(layer),
                      .fan_out = static_cast<double>(signal::conv_fan_in(layer.kernel, layer.out)),
                      .activation = activation_,
                      .next = {},
                      .noise = noise,
                      .first = sites_.empty()});
    activation_.clear();
    noise_ = {};
    open_ = true;
  }

  /// Branch and shortcut begin with what reaches the block; behind it nothing is in front.
  void residual(const Layer& layer) {
    const std::string activation = activation_;
    const signal::NoiseMoments noise = noise_;
    const std::size_t before = sites_.size();
    run(layer.branch);
    const bool normalised = std::any_of(
        layer.branch.begin(), layer.branch.end(),
        [](const Layer& inner) { return layer_kind(inner.type).family == Family::norm; });
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

std::size_t blocks_of(const std::vector<Layer>& layers) {
  std::size_t count = 0;
  for (const Layer& layer : layers) {
    count += layer_kind(layer.type).family == Family::residual;
    count += blocks_of(layer.branch) + blocks_of(layer.shortcut);
  }
  return count;
}

}  // namespace

std::vector<WeightSite> weight_sites(const Spec& spec) {
  std::vector<WeightSite> sites;
  Walk(sites).run(spec.layers);
  if (!sites.empty()) sites.back().last = true;
  return sites;
}

std::string activation_word(const Layer& layer) {
  if (layer_kind(layer.type).family != Family::activation) return "";
  const kernel::ActivationRow& row =
      kernel::activation_row(kernel::find_activation(layer.type).value());
  if (!row.of_layer) return layer.type;
  const double value[] = {row.layer_parameter(layer.slope)};
  return write_word(row.name, row.parameters, value);
}

double fan_in(const Layer& layer) {
  return static_cast<double>(signal::conv_fan_in(layer.kernel, layer.in));
}

std::size_t residual_blocks(const Spec& spec) { return blocks_of(spec.layers); }

}  // namespace scalemix::inline v0::model
