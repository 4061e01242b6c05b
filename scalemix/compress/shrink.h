// A network without the units and channels that say nothing, so that what runs is smaller.
//
// A unit whose weights are all zero says the same for every row: phi(b), through batch normalisation
// where there is some. That constant goes into the biases of the next layer with weights. A unit that
// no layer reads goes as it is. Noise that was drawn for a column goes with the column; the others draw
// what they drew (Layer::columns).
//
// Units go within the branches of residual blocks too, and out of the stream that passes blocks with
// identity shortcuts, where all layers that write it or all that read it agree (stream.h). Whole blocks
// are for fold_blocks.h.
//
// A unit stays where its constant is not zero and noise, padding or a missing bias is in its way, and
// where a layer that writes or reads it carries noise of its own.
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
