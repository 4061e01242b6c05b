// Where a training step leaves zeros out. Decided by the network and the data's share of zeros,
// before the first step, so that the same run takes the same way again.
#pragma once

#include <cstddef>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::engine {

/// What of a layer's numbers is mostly zero.
struct Zeros {
  bool data = false;       // what it takes: data, not yet standardised
  bool gradients = false;  // the gradients of what it gives
};

/// Whether leaving the data's zeros out of the first layer repays marking them: it is dense, with
/// rows and units enough, and makes at least half of the network's multiplications.
bool repays_marking(const model::Spec& spec, std::size_t rows);

/// Whether leaving out the zeros of a convolution's pooled gradients repays listing them: it has 64
/// places or more, and its window fills most of a panel of kernel/conv_sparse.h.
bool repays_listing(const model::Layer& layer, const model::Shape& out);

/// Whether at most one in four gradients of numbers of `shape`, which layer `next` of the list
/// takes, is not zero: nothing but activations and noise stands between them and a max pool that
/// leaves so few.
bool pooled(const std::vector<model::Layer>& layers, std::size_t next, const model::Shape& shape);

}  // namespace scalemix::inline v0::engine
