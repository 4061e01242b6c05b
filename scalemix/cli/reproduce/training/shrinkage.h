// The networks of Nalisnick, Hernandez-Lobato & Smyth (2019) as their released program trains them:
// skipmlp:50x1, Adam 0.001, batch 32, weights from U(-0.05, 0.05), ten draws per row.
#pragma once

#include <string>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/run/config.h"

namespace scalemix::inline v0::cli::reproduce {

/// A Gaussian posterior with scales: "ard", "add", "ard_add". The penalty is divided by the number of
/// weights, as in the program, not by that of rows.
run::TrainConfig structured_as_released(const std::string& data, const std::string& structure,
                                        double train_rows, double weights, const Effort& effort);

/// Of skipmlp:50x1 on yacht.
inline constexpr double kYachtRows = 277, kYachtWeights = 2850;

/// Dropout of 0.005 on every input, by an objective.
run::TrainConfig dropout_as_released(const std::string& data, const std::string& objective,
                                     const Effort& effort);

}  // namespace scalemix::inline v0::cli::reproduce
