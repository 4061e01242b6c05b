#include "scalemix/optim/rule.h"

#include "scalemix/base/known.h"

namespace scalemix::inline v0::optim {

Piece Piece::part(std::size_t from, std::size_t n) const {
  Piece out = *this;
  out.count = n;
  out.g += from;
  out.w += from;
  for (float*& array : out.arrays) {
    if (array) array += from;
  }
  return out;
}

const std::vector<Rule>& rules() {
  static const std::vector<Rule> rows{adam(), adamw(), sgd(), novograd()};
  return rows;
}

const Rule& rule(std::string_view name) { return find_row("optimiser", name, rules()); }

}  // namespace scalemix::inline v0::optim
