// Which products a prediction takes on this machine: what --tune-products measured, in products.json of the
// cache folder, else the defaults.
#pragma once

#include <CLI/CLI.hpp>

#include "scalemix/predict/crossover.h"

namespace scalemix::inline v0::cli {

/// --tune-products
void add_products_option(CLI::App& sub, bool& tune);

/// Measures first where that is asked for, and writes it down; says so on standard error unless `quiet`.
/// Warns of a file that cannot be read.
predict::Crossover products_here(bool tune, bool quiet);

}  // namespace scalemix::inline v0::cli
