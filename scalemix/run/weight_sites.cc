// What stands in front of each layer with weights.

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/law/any_law.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/run/initial_weights.h"
#include "scalemix/signal/activation.h"
#include "scalemix/signal/architecture.h"

namespace scalemix::inline v0::run {
namespace {

signal::NoiseMoments noise_of(const model::Layer& layer) {
  const auto law = law::AnyLaw::parse(layer.law);
  if (layer.mode != model::Mode::add) return signal::multiplicative(law);
  if (law.mean() == 0) return signal::additive(law);
  // The theory has no maps for noise that adds a mean; that it adds variance is all it takes here.
  const double scale = law.normalised() ? law.mean() * law.mean() : 1;
  return {.additive = true, .s2 = law.mu2() * scale};
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
    if (std::string word = activation_word(layer); !word.empty()) {
      activation_ = std::move(word);
      if (open_) sites_.back().next = activation_;
      open_ = false;
    }
    if (model::has_weights(layer)) weights(layer);
  }

  void weights(const model::Layer& layer) {
    signal::NoiseMoments noise = noise_;
    if (!layer.weight_law.empty()) {
      noise = signal::joined(noise, signal::multiplicative(law::AnyLaw::parse(layer.weight_law)));
    }
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

std::string activation_word(const model::Layer& layer) {
  if (model::has_weights(layer)) return "";  // `linear` is an activation too
  const auto rows = signal::activations();
  const bool known = std::any_of(rows.begin(), rows.end(), [&](const signal::ActivationRow& row) {
    return row.name == layer.type;
  });
  if (!known) return "";
  return layer.type == "leaky_relu" ? fmt::format("leaky_relu:slope={}", layer.slope) : layer.type;
}

double fan_in(const model::Layer& layer) {
  return static_cast<double>(signal::conv_fan_in(layer.kernel, layer.in));
}

std::size_t residual_blocks(const model::Spec& spec) { return blocks_of(spec.layers); }

}  // namespace scalemix::inline v0::run
