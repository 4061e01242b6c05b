// A prior on every weight of a layer, as a penalty: training finds the maximum a posteriori (MAP)
// weights under the prior that a noise law induces (prior/prior.h).
//
//   penalty = sum_i -log p(w_i),  its slope exact far out and 0 at 0
//
// With normal:scale=s it is the ridge w^2 / (2 s^2), with laplace the lasso |w| / s. A prior with a
// pole at 0, such as the horseshoe, is rounded off there (prior/penalty_table.h).

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/noise.h"
#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::model {

NoiseKind prior_noise() {
  NoiseKind kind{
      .name = "prior",
      .summary = "a prior on every weight, as a penalty: prior:laplace:scale=1 (its default)",
      .source = "Nalisnick, Anandkumar & Smyth (2015)",
      .where = Where::penalty};
  kind.takes_prior = true;
  kind.compile = [](NoiseUse& use, const Layer&) {
    const float one = 1;
    use.prior->penalty(1, &one);  // makes its table, before the first step
  };
  kind.penalty = [](const At& at) {
    return kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
      return at.use.prior->penalty(n, at.w + first);
    });
  };
  kind.terms_back = [](const At& at, double weight) {
    kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
      at.use.prior->slope(n, at.w + first, static_cast<float>(weight), at.dw + first);
    });
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
