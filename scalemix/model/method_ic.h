// Independent components (Chen et al. 2019): batch normalisation, then dropout, before every layer with
// weights; the network's other batch normalisations go. In a residual branch
//
//   order=a   2 x { ReLU, IC, weights },  order=b   2 x { IC, weights, ReLU },  order=c   2 x { weights, ReLU, IC }
//
// and no activation follows the sum; of order a one follows the last block. Which letter the paper gives
// which order, and that p is 0.05, are from readers' notes. first=off leaves the network's input alone.
#pragma once

#include "scalemix/model/method.h"

namespace scalemix::inline v0::model {

MethodRow ic_row();

}  // namespace scalemix::inline v0::model
