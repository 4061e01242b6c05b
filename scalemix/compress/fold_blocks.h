// Takes out residual blocks whose weights are all switched off (ADD, model/noise_gsm.cc; svdo).
//
// Such a block, x + phi(W h + b) with W = 0, whatever h is made of x, adds the constant c = phi(b). It is carried on: into the
// bias of every branch that it passes, b' + W' c, and, behind the last block, into the bias of the
// next layer. A deterministic pass gives the same numbers; so does a sampled one but for the noise
// that the weights W' would put on c.
//
// A block is left where its constant is not 0 and cannot be carried: before anything but blocks with an identity
// and a layer with weights and a bias, and before noise that multiplies what a layer takes.
//
// Source: Nalisnick, Hernandez-Lobato & Smyth (2019), Dropout as a structured shrinkage prior (depth
// determination); the folding is ours
#pragma once

#include <string>
#include <vector>

#include "scalemix/model/model_file.h"

namespace scalemix::inline v0::compress {

/// Residual blocks with an identity shortcut whose branch gives the same numbers for every input.
std::vector<std::string> blocks_off(const model::Model& model);

struct Folded {
  model::Model model;
  std::vector<std::string> removed;  // names of the blocks
};

/// The model must fit its spec.
Folded fold_blocks(model::Model model);

}  // namespace scalemix::inline v0::compress
