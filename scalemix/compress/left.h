// What is left of a network: inputs that are read, units, and the products of one row through a dense
// network of that size. For networks without posteriors (plain.h), made smaller (shrink.h).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

struct Left {
  /// As tables of pruned networks have them, 245-160-55 and 3-18-284-283: what the first dense layer reads
  /// of an input or of an image's flattened channels, then units and channels of each layer but the last.
  std::vector<std::size_t> sizes;
  double multiplications = 0;  // of one row, zeros between what is left included
  std::size_t weights = 0;     // that are not zero
};

/// An input is read that has a weight in the layer that takes it; of a convolution, a channel.
Left left_of(const model::Model& model);

/// "245-160-55"
std::string text_of(const std::vector<std::size_t>& sizes);

}  // namespace scalemix::inline v0::compress
