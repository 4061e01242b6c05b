// What the priors of the noise laws are called, and how their tails fall: what no formula of a law
// tells. A law without a row has no names, and its tail is not said.
#pragma once

#include <string_view>

#include "scalemix/law/any_law.h"

namespace scalemix::inline v0::prior {

struct Called {
  std::string_view law;
  std::string_view variance;  // the law of lambda^2; empty without a name
  std::string_view marginal;  // the prior of a weight; empty without a name
  std::string_view tail;      // how the density of a weight falls
  /// ln p is -c |v|^power far out, up to factors of lower order; 0 where powers of |v| or of its
  /// logarithm decide.
  double power;
};

/// The row of the law; of a law without spread, that of no noise.
const Called& called(const law::AnyLaw& law);

/// -d ln p / d ln |v| for |v| without end: finite for a tail that is a power, else infinite.
double tail_exponent(const law::AnyLaw& law);

}  // namespace scalemix::inline v0::prior
