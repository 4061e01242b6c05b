#include "scalemix/train/store.h"

namespace scalemix::inline v0::train {

Store::Store(const model::Spec& spec, std::string_view word, std::size_t replicas)
    : layout(spec),
      rule(optim::rule(word)),
      own(optim::rule_values(word)),
      replicas(replicas),
      values(replicas * layout.values()),
      gradients(replicas * layout.values()),
      state(replicas * layout.state()),
      arrays(rule.arrays.size(), std::vector<float>(replicas * layout.values())),
      scalars(rule.scalars.size(), std::vector<double>(replicas * layout.slots().size())) {}

optim::Piece Store::piece(std::size_t r, std::size_t from, std::size_t count, bool decays,
                          double rate) {
  optim::Piece out{.count = count,
                   .g = gradients_of(r) + from,
                   .w = values_of(r) + from,
                   .decays = decays,
                   .rate = rate};
  for (std::size_t a = 0; a < arrays.size(); ++a) {
    out.arrays[a] = arrays[a].data() + r * layout.values() + from;
  }
  return out;
}

optim::Scalars Store::scalars_of(std::size_t r, std::size_t slot) {
  optim::Scalars out{};
  for (std::size_t s = 0; s < scalars.size(); ++s) {
    out[s] = &scalars[s][r * layout.slots().size() + slot];
  }
  return out;
}

}  // namespace scalemix::inline v0::train
