// Fast dropout (Wang & Manning 2013) on a dense ReLU network: every layer with weights carries means and
// variances (noise kind fast), and a last layer makes logits or means of them.
#pragma once

#include "scalemix/model/method.h"

namespace scalemix::inline v0::model {

MethodRow fast_row();

}  // namespace scalemix::inline v0::model
