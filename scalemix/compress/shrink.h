// A network without the units and channels that say nothing, so that what runs is smaller.
//
// A unit whose weights are all zero says the same for every row: phi(b), through batch normalisation
// where there is some. That constant goes into the biases of the next layer with weights. A unit that
// the next layer does not read goes as it is. Noise that was drawn for a column goes with the column; the
// others draw what they drew (Layer::columns).
//
// Between the two layers may stand activations, batch normalisation, pools, flatten and noise layers. A
// unit stays where its constant is not zero and noise, padding or a missing bias is in its way, and where
// either layer carries noise of its own. Residual blocks stay as they are (fold_blocks.h takes whole ones
// out).
#pragma once

#include <string>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

struct Shrunk {
  model::Model model;
  struct Layer {
    std::string name;
    std::size_t before, after;  // units or channels
  };
  std::vector<Layer> layers;  // those that became smaller, in order
};

/// The numbers of a deterministic pass are the same but for rounding. One unit of a layer stays at least.
Shrunk shrink(model::Model model);

}  // namespace scalemix::inline v0::compress
