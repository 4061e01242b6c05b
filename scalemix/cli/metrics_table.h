// Metrics for people: one line each, what the plain pass gave, what the draws gave, what is to be had without
// looking at the inputs.
#pragma once

#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace scalemix::inline v0::cli {

/// "14.00 %" of a share such as error, "0.3285" of other metrics.
std::string metric_text(const std::string& name, double value);

/// The name (predict/evaluate.h) chooses the column, as mc_ and baseline_ do; columns without any number
/// are left out.
void print_metrics(const std::vector<std::pair<std::string, double>>& metrics, std::ostream& out);

}  // namespace scalemix::inline v0::cli
