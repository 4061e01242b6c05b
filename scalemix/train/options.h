// How a network is trained. Everything has a default that works: numbers that are 0 (or -1 where 0
// means something) and words that are "auto" are chosen from the data and the network by resolve().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "scalemix/data/dataset.h"
#include "scalemix/model/model_file.h"
#include "scalemix/train/rate_schedule.h"

namespace scalemix::inline v0::train {

struct FitOptions {
  std::string init = "auto";       // initial weights (model/initial_weights.h)
  int epochs = 0;                  // passes over the training rows
  int batch = 0;                   // rows per step
  std::string optimiser = "adam";  // a word of optim::rules(): "sgd:momentum=0.9"
  double lr = 0;
  double weight_decay = 0;              // of the weights, not of biases
  double length_scale = 0;              // more of it, from a prior's length-scale (length_scale.h)
  std::string schedule = "auto";        // of the learning rate: a word of rate_schedules()
  double lr_warmup = 0;                 // epochs over which the rate grows to the schedule's
  std::string prune = "none";           // which weights are held at zero: a word of mask_kinds()
  double average = 0;                   // decay of the running mean of the weights; 0: none is kept
  double spread = 0;                    // share of the steps, the last, over which spread.h looks
  double warmup_start = -1;             // epoch at which the penalty starts to count
  double warmup = -1;                   // epochs over which its weight grows to 1
  std::string warmup_shape = "linear";  // how: linear, or cubic, the cube of that
  double penalty = 1;                   // factor on the penalty; 1: the variational bound
  double clip = 0;                      // largest norm of the gradient; 0: no clipping
  int patience = 0;                // epochs without a better validation score; 0: never stop early
  double validation_fraction = 0;  // share of the training rows held out to watch
  int train_samples = 1;           // draws of the noise for each row in a step
  std::string objective = "mc";    // what a step makes of them (objective.h)
  // Of a regression's noise: "learned", "tuned" (train/tune.h), or in 1 / target units squared, one
  // number or one for each replica.
  std::string precision = "learned";
  std::vector<std::string> augment = {};  // words of data/augment.h: of training images
  std::uint64_t seed = 0;
  /// A trained model to go on from: tensors with the same name and shape start as its, and its
  /// standardisation is kept where it fits. Null: none.
  std::shared_ptr<const model::Model> from = {};

  bool operator==(const FitOptions&) const = default;
};

/// Fills what was left open; the reasons stand in docs/guide/train.md. Throws ConfigError for a word
/// or a number that is not one of its kind, or as initial_weights does.
void resolve(FitOptions& options, const data::Dataset& data, const model::Spec& spec);

/// Checks ranges and words; throws ConfigError naming key, range and value.
void validate(const FitOptions& options);

/// Factor on the learning rate at a time in epochs (may be fractional): the schedule's, times the
/// share of the warm-up that is done; options resolved.
double lr_factor(const FitOptions& options, double epoch);
/// The same with the schedule read before: allocates nothing.
double lr_factor(const FitOptions& options, const RateSchedule& schedule, double epoch);

/// Weight of the penalty: 0 before warmup_start, then to 1 over `warmup` epochs.
double penalty_weight(const FitOptions& options, std::int64_t epoch);

}  // namespace scalemix::inline v0::train
