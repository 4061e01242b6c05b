#include "scalemix/train/update.h"

#include <algorithm>
#include <limits>

#include "scalemix/kernel/optimiser.h"

namespace scalemix::inline v0::train {

Update::Update(Store& store, const engine::Program& program, double clip, const Mask* mask)
    : store_(store), program_(program), clip_(clip), mask_(mask) {
  if (clip_ == 0) find_fused();
  for (const auto& noise : program_.noises()) {
    const bool fused = std::any_of(fused_.begin(), fused_.end(),
                                   [&](const Fused& f) { return f.noise == noise.get(); });
    if (fused) continue;
    generic_.push_back(noise.get());
    for (const auto& own : noise->own) {
      if (own.trained) own_.push_back(part_of(slot_at(own.offset)));
    }
    // Gradients of prepared means reach the weights by terms_back alone.
    if (noise->use.means) own_.push_back(part_of(slot_at(*noise->w)));
  }
  find_parts();
}

Update::Part Update::part_of(const engine::Slot& slot) const {
  const auto number = static_cast<std::size_t>(&slot - store_.layout.slots().data());
  return {number, slot.offset, slot.offset + slot.count, slot.tensor.decays, slot.tensor.rate};
}

const engine::Slot& Update::slot_at(std::size_t offset) const {
  const auto& slots = store_.layout.slots();
  return *std::find_if(slots.begin(), slots.end(), [&](const engine::Slot& slot) {
    return slot.tensor.trained && slot.offset == offset;
  });
}

void Update::find_fused() {
  for (const auto& noise : program_.noises()) {
    const optim::FusedUpdate update = optim::fused_update(store_.rule.name, noise->use);
    if (!update) continue;
    fused_.push_back({noise.get(), update, part_of(slot_at(*noise->w)),
                      part_of(slot_at(noise->own.at(0).offset))});
  }
}

void Update::find_parts() {
  for (const Fused& f : fused_) numbers_ += f.w.to - f.w.from;
  std::vector<Part> parts;
  for (const engine::Slot& slot : store_.layout.slots()) {
    const Part part = part_of(slot);
    const bool owned = std::any_of(fused_.begin(), fused_.end(),
                                   [&](const Fused& f) { return f.w == part || f.own == part; });
    if (slot.tensor.trained && !owned && slot.count > 0) parts.push_back(part);
  }
  std::sort(parts.begin(), parts.end(),
            [](const Part& a, const Part& b) { return a.from < b.from; });
  for (const Part& part : parts) {
    numbers_ += part.to - part.from;
    const bool joins = !store_.rule.reduce && !rest_.empty() && rest_.back().to == part.from &&
                       rest_.back().decays == part.decays && rest_.back().rate == part.rate;
    if (joins) {
      rest_.back().to = part.to;
    } else {
      rest_.push_back(part);
    }
  }
  if (store_.rule.reduce) scales_.resize(store_.replicas * rest_.size());
}

model::At Update::at(const Input& input, const engine::Decoration& noise) const {
  engine::Frame frame = input.frame;
  frame.d_prepared = input.schedule->d_prepared(noise.instruction, input.memory);
  return noise.at(frame);
}

void Update::clear(const Input& input) const {
  for (const Part& part : own_) {
    std::fill_n(store_.gradients_of(input.replica) + part.from, part.to - part.from, 0.0f);
  }
}

void Update::terms_back(const Input& input) const {
  for (const engine::Decoration* noise : generic_) {
    if (!noise->kind().terms_back) continue;
    noise->kind().terms_back(at(input, *noise), input.penalty_weight);
  }
}

void Update::finish(const Input& input) const {
  for (const engine::Decoration* noise : generic_) {
    if (noise->kind().settle) noise->kind().settle(at(input, *noise));
    if (noise->kind().prepare) noise->kind().prepare(at(input, *noise));
  }
}

void Update::hold_gradients(const Input& input) {
  if (mask_) mask_->hold_gradients(store_, input.replica);
}

double Update::reduce(const Input& input, float scale) {
  if (!store_.rule.reduce) return 0;
  float* scales = scales_.data() + input.replica * rest_.size();
  double sum = 0;
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    const Part& part = rest_[i];
    const double squares =
        kernel::sum_squares(part.to - part.from, store_.gradients_of(input.replica) + part.from);
    sum += squares;
    scales[i] =
        static_cast<float>(scale * store_.rule.reduce(scale * squares * scale, store_.own,
                                                      store_.scalars_of(input.replica, part.slot)));
  }
  return sum;
}

double Update::update_rest(const Input& input, std::size_t i, std::size_t from, std::size_t to,
                           float scale) {
  const Part& part = rest_[i];
  optim::Piece piece =
      store_.piece(input.replica, part.from, part.to - part.from, part.decays, part.rate);
  piece.scale = scale;
  if (store_.rule.reduce) {
    piece.scale = scales_[input.replica * rest_.size() + i];
    if (piece.scale == 0) return 0;
  }
  const kernel::LeftWeights* left = mask_ ? mask_->left(input.replica) : nullptr;
  double squares = 0;
  for (std::size_t s = 0; left && s < mask_->spans().size(); ++s) {
    const Mask::Span& span = mask_->spans()[s];
    const std::size_t begin = std::max(part.from + from, span.from),
                      end = std::min(part.from + to, span.from + span.count);
    if (begin >= end || !left[s].listed()) continue;
    squares += update_piece(input, piece.part(from, begin - part.from - from));
    squares += update_left(input, left[s], begin - span.from, end - span.from,
                           piece.part(span.from - part.from, span.count));
    from = end - part.from;
  }
  return squares + update_piece(input, piece.part(from, to - from));
}

double Update::update_piece(const Input& input, const optim::Piece& piece) const {
  const bool looked = clip_ > 0 || store_.rule.reduce;
  const double squares = looked ? 0 : kernel::sum_squares(piece.count, piece.g);
  store_.rule.update(input.rate, input.step, piece);
  return squares;
}

double Update::update_left(const Input& input, const kernel::LeftWeights& left, std::size_t from,
                           std::size_t to, const optim::Piece& span) const {
  constexpr std::size_t kTogether = 512;
  std::uint32_t place[kTogether];
  float g[kTogether], w[kTogether], own[optim::kMostArrays][kTogether];
  double squares = 0;
  const std::size_t last = left.before(to);
  for (std::size_t k = left.before(from); k < last; k += kTogether) {
    optim::Piece some = span;
    some.count = std::min(kTogether, last - k);
    left.places(k, k + some.count, place);
    const auto gather = [&](const float* numbers, float* to) {
      for (std::size_t i = 0; i < some.count; ++i) to[i] = numbers[place[i]];
      return to;
    };
    const auto scatter = [&](const float* from, float* numbers) {
      for (std::size_t i = 0; i < some.count; ++i) numbers[place[i]] = from[i];
    };
    some.g = gather(span.g, g);
    some.w = gather(span.w, w);
    for (std::size_t a = 0; a < optim::kMostArrays; ++a) {
      if (span.arrays[a]) some.arrays[a] = gather(span.arrays[a], own[a]);
    }
    squares += update_piece(input, some);
    scatter(w, span.w);
    for (std::size_t a = 0; a < optim::kMostArrays; ++a) {
      if (span.arrays[a]) scatter(own[a], span.arrays[a]);
    }
  }
  return squares;
}

double Update::clipped(const Input& input) {
  terms_back(input);
  hold_gradients(input);
  const std::size_t n = store_.layout.values();
  const double norm = std::sqrt(kernel::sum_squares(n, store_.gradients_of(input.replica)));
  if (!std::isfinite(norm)) return std::numeric_limits<double>::quiet_NaN();
  const auto scale = static_cast<float>(norm > clip_ ? clip_ / norm : 1);
  reduce(input, scale);
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    update_rest(input, i, 0, rest_[i].to - rest_[i].from, scale);
  }
  finish(input);
  return norm;
}

double Update::update_numbers(const Input& input, std::size_t first, std::size_t last) {
  std::size_t begin = 0;  // of a part
  const auto cut = [&](std::size_t n) {
    const std::size_t from = std::clamp(first, begin, begin + n) - begin,
                      to = std::clamp(last, begin, begin + n) - begin;
    begin += n;
    return std::pair{from, to - from};
  };
  const auto piece = [&](const Part& part) {
    return store_.piece(input.replica, part.from, part.to - part.from, part.decays, part.rate);
  };
  double squares = 0;
  for (const Fused& f : fused_) {
    const auto [from, count] = cut(f.w.to - f.w.from);
    if (count == 0) continue;
    const optim::NoisyPiece whole{
        .w = piece(f.w),
        .own = piece(f.own),
        .d_prepared = input.schedule->d_prepared(f.noise->instruction, input.memory),
        .prepared = input.frame.prepared + f.noise->prepared_at,
        .penalty_weight = input.penalty_weight};
    squares += f.update(input.rate, input.step, whole.part(from, count));
  }
  for (std::size_t i = 0; i < rest_.size(); ++i) {
    const auto [from, count] = cut(rest_[i].to - rest_[i].from);
    if (count == 0) continue;
    squares += update_rest(input, i, from, from + count, 1);
  }
  return squares;
}

}  // namespace scalemix::inline v0::train
