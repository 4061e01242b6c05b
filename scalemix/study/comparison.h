// Several ways of training, each on the same seeds and splits: what they score, and which differ.
//
// Replica i of every variant has the same seed and the same rows, so that scores are compared in pairs:
// each variant with the first by a paired t test, corrected for their number by Holm; all of them by
// Friedman's test on ranks, with Nemenyi's critical difference of mean ranks (metric/paired.h).
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/task.h"

namespace scalemix::inline v0::study {

/// One way of training, with what its replicas scored.
struct Variant {
  std::string label, folder;
  std::map<std::string, std::vector<double>> scores = {};  // by metric, one number per replica
  double seconds = 0;                                      // of the training
};

/// A metric that a comparison looks at.
struct Measure {
  std::string_view name, title;
  bool tested;   // between the variants
  bool largest;  // the larger the better
};
/// Of a task, in the order in which they are shown; the first is the one that ranks go by.
const std::vector<Measure>& measures(Task task);

/// Takes what a comparison looks at from the metrics of a replica: of draws where there are some
/// ("mc_error"), else of the deterministic pass.
void add_scores(const nlohmann::ordered_json& metrics, Task task, Variant& variant);

struct Cell {
  double mean = 0, error = 0;  // standard error; NaN of one replica
  // Against the first variant, of tested measures with two replicas at least.
  std::optional<double> difference = {}, difference_error = {}, p = {};  // p corrected by Holm
  std::optional<double> detectable = {};  // difference that would have been seen with power 0.8
};

struct Comparison {
  Task task = Task::classification;
  std::size_t replicas = 0;
  std::vector<Variant> variants = {};
  std::vector<std::vector<std::optional<Cell>>> cells = {};  // (variants, measures)
  // Of the first measure, with two variants and two replicas at least.
  std::vector<double> mean_ranks = {};
  std::optional<double> friedman_p = {}, critical_difference = {};
};

/// Variants must have the same number of replicas. Throws std::invalid_argument otherwise.
Comparison compare(Task task, std::vector<Variant> variants);

nlohmann::ordered_json to_json(const Comparison& comparison);
/// variant,measure,mean,standard_error,difference,difference_error,p,rank
std::string to_csv(const Comparison& comparison);
}  // namespace scalemix::inline v0::study
