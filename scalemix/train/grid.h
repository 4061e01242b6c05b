// A grid of settings that may differ between the replicas of a stack: learning rate, factor on the
// penalty, weight decay.
//
//   --grid lr=0.001,0.003 --grid penalty=0.1,1   four points, the last key running fastest
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace scalemix::inline v0::train {

/// Settings of one point, in the order in which the keys were given.
using GridPoint = std::vector<std::pair<std::string, double>>;

/// The points of a grid; one without settings if `axes` is empty. An axis is "KEY=V,V,...". Throws
/// ConfigError for a form, key or value that is not one, and for a key that is given twice.
std::vector<GridPoint> grid_points(const std::vector<std::string>& axes);

}  // namespace scalemix::inline v0::train
