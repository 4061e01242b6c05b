#include "scalemix/train/mask.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "scalemix/base/error.h"
#include "scalemix/base/known.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"

namespace scalemix::inline v0::train {
namespace {

constexpr std::size_t kFewWeights = 1024;  // that no list repays
constexpr std::size_t kSparsity = 0, kStart = 1, kEnd = 2, kEvery = 3;

std::pair<const MaskKind*, std::vector<double>> read(const std::string& word) {
  const MaskKind& kind = find_row("way to prune", split_word(word).name, mask_kinds());
  std::vector<double> values =
      read_values(kind.name, kind.parameters, split_word(word).rest).values;
  if (!values.empty() && values[kStart] >= values[kEnd]) {
    throw ConfigError("prune: start must be below end");
  }
  return {&kind, std::move(values)};
}

void clear_off(const std::uint8_t* on, std::size_t n, float* numbers) {
  for (std::size_t i = 0; i < n; ++i) {
    numbers[i] = on[i] ? numbers[i] : 0;  // no branch: vectors
  }
}

}  // namespace

const std::vector<MaskKind>& mask_kinds() {
  static const std::vector<MaskKind> all{
      {"none", "all weights train", "", {}},
      {"fixed", "weights that are zero at the start stay zero", "", {}},
      {"magnitude",
       "more and more of the smallest weights go to zero",
       "Zhu & Gupta (2018)",
       {{"sparsity", 0.9, 0, 1, false, true, "share of the weights at the end"},
        {"start", 0.1, 0, 1, false, true, "share of the training after which it begins"},
        {"end", 0.7, 0, 1, false, false, "share after which it is reached"},
        {"every", 50, 1, 1e9, false, false, "steps from one choice to the next"}}}};
  return all;
}

void check_mask(const std::string& word) { read(word); }

Mask::Mask(const std::string& word, const model::Spec& spec, const Store& store, double listed)
    : listed_(listed) {
  auto [kind, values] = read(word);
  if (kind == &mask_kinds().front()) return;
  kind_ = kind;
  values_ = std::move(values);
  model::for_each_layer(spec, [&](const model::Layer& layer, const model::Shape&) {
    if (!model::has_weights(layer)) return;
    for (const model::Noise& noise : layer.noise) {
      if (!model::noise_kind(noise.kind).stand_in || !model::noise_kind(noise.kind).tensors)
        continue;
      throw ConfigError(std::string("prune: ") + noise.kind +
                        " has its own weights at zero; train without it, or prune the model");
    }
    const engine::Slot& slot = store.layout.at(layer.name + ".weight");
    spans_.push_back({slot.offset, slot.count, layer.out});
    layers_[layer.name] = spans_.size() - 1;
    weights_ += slot.count;
  });
  left_.assign(store.replicas, std::vector<kernel::LeftWeights>(spans_.size()));
  on_.assign(store.replicas, std::vector<std::uint8_t>(weights_, 1));
}

void Mask::start(const Store& store, double progress) {
  // Before it begins, a weight that happens to be zero is none that was chosen.
  chosen_ = !values_.empty() && progress >= values_[kStart] && progress > 0;
  if (!values_.empty() && !chosen_) {
    for (std::vector<std::uint8_t>& on : on_) std::fill(on.begin(), on.end(), std::uint8_t{1});
    for (std::size_t r = 0; r < on_.size(); ++r) list(r);
    return;
  }
  for (std::size_t r = 0; r < on_.size(); ++r) {
    std::uint8_t* on = on_[r].data();
    for (const Span& span : spans_) {
      const float* w = store.values_of(r) + span.from;
      for (std::size_t i = 0; i < span.count; ++i) *on++ = w[i] != 0;
    }
    list(r);
  }
}

double Mask::sparsity(double progress) const {
  const double t =
      std::clamp((progress - values_[kStart]) / (values_[kEnd] - values_[kStart]), 0.0, 1.0);
  return values_[kSparsity] * (1 - std::pow(1 - t, 3));
}

void Mask::choose(Store& store, std::size_t replica, double sparsity) {
  const auto off = static_cast<std::size_t>(sparsity * static_cast<double>(weights_));
  if (off == 0) return;
  std::vector<float> size(weights_);
  std::size_t k = 0;
  for (const Span& span : spans_) {
    const float* w = store.values_of(replica) + span.from;
    for (std::size_t i = 0; i < span.count; ++i) size[k++] = std::abs(w[i]);
  }
  std::vector<float> order = size;
  const auto last = order.begin() + static_cast<std::ptrdiff_t>(off - 1);
  std::nth_element(order.begin(), last, order.end());
  // Of equal ones at the border, as zeros are, the first go.
  std::size_t left = off - static_cast<std::size_t>(std::count_if(
                               size.begin(), size.end(), [&](float v) { return v < *last; }));
  for (std::size_t i = 0; i < weights_; ++i) {
    const bool goes = size[i] < *last || (size[i] == *last && left > 0);
    if (goes && size[i] == *last) --left;
    on_[replica][i] = !goes;
  }
  list(replica);
}

void Mask::list(std::size_t replica) {
  const std::uint8_t* on = on_[replica].data();
  for (std::size_t i = 0; i < spans_.size(); on += spans_[i++].count) {
    const Span& span = spans_[i];
    const auto off = static_cast<double>(std::count(on, on + span.count, std::uint8_t{0}));
    const bool repays = off >= listed_ * static_cast<double>(span.count) &&
                        span.count >= kFewWeights &&
                        span.count <= std::numeric_limits<std::uint32_t>::max();
    if (repays) {
      left_[replica][i].list(span.out, span.count / span.out, on);
    } else {
      left_[replica][i].clear();
    }
  }
}

void Mask::follow(Store& store, std::int64_t step, double progress) {
  if (!active()) return;
  const bool begun = !values_.empty() && progress >= values_[kStart];
  const bool chooses =
      begun && (!chosen_ || step % static_cast<std::int64_t>(values_[kEvery]) == 0);
  chosen_ = chosen_ || chooses;
  for (std::size_t r = 0; r < on_.size() && chooses; ++r) choose(store, r, sparsity(progress));
  hold(store, chooses);  // of listed weights an update leaves alone what is off
}

void Mask::hold(Store& store) const { hold(store, true); }

void Mask::hold(Store& store, bool listed) const {
  for (std::size_t r = 0; r < on_.size(); ++r) {
    const std::uint8_t* on = on_[r].data();
    for (std::size_t i = 0; i < spans_.size(); on += spans_[i++].count) {
      if (!listed && left_[r][i].listed()) continue;
      clear_off(on, spans_[i].count, store.values_of(r) + spans_[i].from);
    }
  }
}

void Mask::hold_gradients(Store& store, std::size_t replica) const {
  if (!active()) return;
  const std::uint8_t* on = on_[replica].data();
  for (const Span& span : spans_) {
    clear_off(on, span.count, store.gradients_of(replica) + span.from);
    on += span.count;
  }
}

}  // namespace scalemix::inline v0::train
