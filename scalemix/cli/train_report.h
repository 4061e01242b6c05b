// What `train` says at its end: every replica's test metrics, and their mean over replicas.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>

#include "scalemix/run/folder.h"
#include "scalemix/run/plan.h"

namespace scalemix::inline v0::cli {

/// Loads every saved model and evaluates it, through the predictor, on its replica's test rows (its
/// training rows, and says so, where there is no test set).
nlohmann::ordered_json final_metrics(const run::Plan& plan, const run::Folder& folder);

nlohmann::ordered_json read_metrics(const run::Folder& folder);

/// The metrics as a table for people.
void print_metrics(const nlohmann::ordered_json& metrics, const run::Folder& folder,
                   std::ostream& out);

}  // namespace scalemix::inline v0::cli
