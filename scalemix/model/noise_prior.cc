// A prior on the weights of a layer, as a penalty: training finds the maximum a posteriori (MAP)
// weights under the prior that a noise law induces (prior/prior.h).
//
//   penalty = sum over groups of -log p(w_g),  its slope exact far out and 0 at 0
//
// group=weight, the default: every weight has its own draw of the noise. With normal:scale=s it is the
// ridge w^2 / (2 s^2), with laplace the lasso |w| / s. group=row, filter or matrix: one draw for all
// weights of a row, a filter or the layer (prior/joint.h), which go to zero together. A prior with a
// pole at 0, such as the horseshoe, is rounded off there (prior/penalty_table.h).

#include "scalemix/kernel/tiles.h"
#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/prior/joint.h"
#include "scalemix/prior/prior.h"

namespace scalemix::inline v0::model {

NoiseKind prior_noise() {
  NoiseKind kind{.name = "prior",
                 .summary =
                     "a prior on weights, or groups of them, as a penalty: prior:laplace:scale=1 "
                     "(its default), prior:horseshoe:scale=0.1,group=row",
                 .source = "Nalisnick, Anandkumar & Smyth (2015)",
                 .where = Where::penalty};
  kind.takes_prior = true;
  kind.parameters = {
      choice("group", "weight|row|filter|matrix", "weights that share one draw of the noise")};
  kind.compile = [](NoiseUse& use, const Layer& layer) {
    constexpr prior::Group kGroups[] = {prior::Group::weight, prior::Group::row,
                                        prior::Group::filter, prior::Group::matrix};
    const prior::Groups groups(kGroups[static_cast<std::size_t>(use.values[0])],
                               prior_weights(layer));
    if (groups.size() > 1) {
      use.joint = std::make_shared<const prior::Joint>(*use.prior, groups);
    } else {
      const float one = 1;
      use.prior->penalty(1, &one);  // makes its table, before the first step
    }
  };
  kind.penalty = [](const At& at) {
    if (at.use.joint) return at.use.joint->penalty(at.w);
    return kernel::sum_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
      return at.use.prior->penalty(n, at.w + first);
    });
  };
  kind.terms_back = [](const At& at, double weight) {
    const auto factor = static_cast<float>(weight);
    if (at.use.joint) return at.use.joint->slope(at.w, factor, at.dw);
    kernel::for_tiles(at.use.weights, [&](std::size_t first, std::size_t n) {
      at.use.prior->slope(n, at.w + first, factor, at.dw + first);
    });
  };
  return kind;
}

}  // namespace scalemix::inline v0::model
