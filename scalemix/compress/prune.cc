#include "scalemix/compress/prune.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "scalemix/base/error.h"
#include "scalemix/compress/plain.h"
#include "scalemix/predict/sparsity.h"

namespace scalemix::inline v0::compress {
namespace {

using model::Model;

Group group_of(const LayerMoments& m, std::size_t first, std::size_t count) {
  Group out{.count = static_cast<double>(count)};
  for (std::size_t i = first; i < first + count; ++i) {
    out.mean2 += static_cast<double>(m.mean[i]) * m.mean[i];
    out.variance += m.variance[i];
  }
  return out;
}

/// sigma0^2: the mean second moment of all weights.
double mean_second(const Moments& moments) {
  double sum = 0, count = 0;
  for (const LayerMoments& m : moments.layers) {
    const Group all = group_of(m, 0, m.mean.size());
    sum += all.second();
    count += all.count;
  }
  return sum > 0 ? sum / count : 1;
}

/// What has an order: a score that is none goes first.
double number_or_least(double value) {
  return std::isnan(value) ? -std::numeric_limits<double>::infinity() : value;
}

}  // namespace

Pruner::Pruner(const Model& model, const Moments& moments, const PruneOptions& options)
    : plain_(plain(model)), grain_(options.grain) {
  const Rule& row = rule(options.rule);
  if (row.variances && moments.estimator == "weights") {
    throw ConfigError(fmt::format(
        "rule {} needs the variances of the weights: name an estimator (posterior, noise, spread, "
        "laplace)",
        row.name));
  }
  log_alpha_ = row.minus_log_alpha && !options.per_layer;
  const prior::HyperPrior hyper = prior::HyperPrior::parse(options.hyper);
  const RuleUse use{hyper, mean_second(moments), options.seed};
  std::uint64_t number = 0;
  for (std::size_t l = 0; l < moments.layers.size(); ++l) {
    const LayerMoments& m = moments.layers[l];
    names_.push_back(m.layer);
    means_.push_back(m.mean);
    weights_ += m.mean.size();
    const bool units = grain_ == Grain::unit;
    if (units && l + 1 == moments.layers.size()) continue;
    const std::size_t count = units ? m.mean.size() / m.outputs : 1;
    const auto begin = order_.size();
    for (std::size_t first = 0; first < m.mean.size(); first += count) {
      Group group = group_of(m, first, count);
      group.number = number++;
      order_.push_back({number_or_least(row.score(use, group)), number_or_least(group.second()),
                        static_cast<std::uint32_t>(l), first, count});
    }
    if (!options.per_layer) continue;
    // The place in its own layer's order is what layers are compared by.
    const auto from = order_.begin() + static_cast<std::ptrdiff_t>(begin);
    std::stable_sort(from, order_.end());
    for (auto it = from; it != order_.end(); ++it) {
      it->score = static_cast<double>(it - from) / static_cast<double>(order_.end() - from);
      it->tie = 0;
    }
  }
  if (order_.empty()) throw ConfigError("nothing of this network can be pruned by units");
  std::stable_sort(order_.begin(), order_.end());
}

double Pruner::most() const {
  double sum = 0;
  for (const Entry& e : order_) sum += static_cast<double>(e.count);
  return sum / static_cast<double>(weights_);
}

Model Pruner::at_sparsity(double sparsity) const {
  if (!(sparsity >= 0 && sparsity < 1)) {
    throw ConfigError(fmt::format("sparsity must be in [0, 1), got {:g}", sparsity));
  }
  const auto wanted = static_cast<std::size_t>(std::ceil(sparsity * static_cast<double>(weights_)));
  std::size_t off = 0, entries = 0;
  while (off < wanted && entries < order_.size()) off += order_[entries++].count;
  if (off < wanted) {
    throw ConfigError(fmt::format(
        "sparsity {:g} is out of reach: at most {:.4g} of the weights may go", sparsity, most()));
  }
  return without(entries);
}

Model Pruner::at_threshold(double log_alpha) const {
  if (!log_alpha_) {
    throw ConfigError("a threshold is one of log alpha: --threshold is for the rule log_alpha");
  }
  std::size_t entries = 0;
  while (entries < order_.size() && -order_[entries].score >= log_alpha) ++entries;
  return without(entries);
}

Model Pruner::without(std::size_t entries) const {
  Model out = plain_;
  std::vector<std::vector<float>> w = means_;
  std::vector<std::vector<float>> bias(names_.size());
  for (std::size_t e = 0; e < entries; ++e) {
    const Entry& entry = order_[e];
    const auto first = w[entry.layer].begin() + static_cast<std::ptrdiff_t>(entry.first);
    std::fill_n(first, entry.count, 0.0f);
    if (grain_ == Grain::weight) continue;
    // A unit that goes says nothing at all.
    const auto b = out.tensors.find(names_[entry.layer] + ".bias");
    if (b == out.tensors.end()) continue;
    if (bias[entry.layer].empty()) bias[entry.layer] = b->second.floats();
    bias[entry.layer][entry.first / entry.count] = 0;
  }
  for (std::size_t l = 0; l < names_.size(); ++l) {
    model::Tensor& weight = out.tensors.at(names_[l] + ".weight");
    weight = model::Tensor::of(weight.shape, w[l]);
    if (bias[l].empty()) continue;
    model::Tensor& b = out.tensors.at(names_[l] + ".bias");
    b = model::Tensor::of(b.shape, bias[l]);
  }
  return out;
}

double sparsity_of(const Model& model) {
  double weights = 0, left = 0;
  for (const predict::LayerSparsity& layer : predict::sparsity(model)) {
    weights += static_cast<double>(layer.weights);
    left += static_cast<double>(layer.nonzero);
  }
  return weights > 0 ? 1 - left / weights : 0;
}

}  // namespace scalemix::inline v0::compress
