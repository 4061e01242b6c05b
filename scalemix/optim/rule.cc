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
  static const std::vector<Rule> rows{adam(), adamw(), sgd(), rmsprop(), novograd()};
  return rows;
}

const Rule& rule(std::string_view word) {
  return find_row("optimiser", split_word(word).name, rules());
}

std::vector<double> rule_values(std::string_view word) {
  const Rule& row = rule(word);
  return read_values(row.name, row.parameters, split_word(word).rest).values;
}

}  // namespace scalemix::inline v0::optim
