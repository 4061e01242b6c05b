// Where the units of a layer go: from the layers with weights that write them to those that read them,
// with what stands between. Through an identity shortcut a stream passes many residual blocks, each of which
// reads it and adds to it.
#pragma once

#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::compress {

/// What happens to a unit's number, in order. `kept` numbers lie on a stack.
struct Event {
  enum class Kind {
    write,  // it is what the layer says
    pass,   // through an activation, batch normalisation, a pool, flatten, a noise layer
    read,   // by the layer with weights
    keep,   // a block begins: the number is kept
    turn,   // the branch has taken it: back to the one kept, for the shortcut
    add     // the one kept is added
  };
  Kind kind;
  model::Layer* layer = nullptr;  // of write, pass and read
};
using Stream = std::vector<Event>;

/// All streams of which each layer on the way is known to treat a unit alone, those within branches too.
/// Layers that carry noise on their weights or on their input neither write nor read one, and a layer
/// whose noise has numbers of its own is not passed.
std::vector<Stream> streams_of(std::vector<model::Layer>& layers);

}  // namespace scalemix::inline v0::compress
