// What a trained network and the log of its training say about how the training went.
//
// Facts: where the loss sits (likelihood and penalty), log alpha of every layer under a posterior,
// dead units, the learned noise. Findings: the rules of rules(), each a plain sentence about what
// looks wrong and what to try. A rule that lacks what it needs (a log, a posterior) does not look,
// and unjudged() says so.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/study/switched_off.h"

namespace scalemix::inline v0::study {

/// The epochs of one replica, as metrics.jsonl has them. Columns that training did not write are
/// empty.
struct History {
  std::vector<double> nll;             // mean over training rows, nats per row, noise on
  std::vector<double> penalty;         // sum over weights, nats
  std::vector<double> penalty_weight;  // of the warm-up, 0 ... 1
  std::vector<double> validation_nll;  // mean over validation rows, noise off
};

/// Reads a log. Throws FileError (missing), DataError with file and line for a line that is no such
/// object.
History read_history(const std::string& path, std::size_t replica);

inline constexpr std::size_t kLogAlphaBins =
    16;  // of width 1, from -8 to 8; the clip falls in the end bins

/// One linear or conv2d layer.
struct LayerFacts {
  std::string name;
  std::size_t weights = 0, nonzero = 0;       // as a deterministic pass uses them
  std::size_t inputs = 0, dead_inputs = 0;    // features or channels with no nonzero weight
  std::size_t outputs = 0, dead_outputs = 0;  // units or channels with no nonzero weight
  bool posterior = false;
  double threshold = 0;  // of log alpha, where there is a posterior
  bool penalised = false;
  double penalty = 0;  // nats
  std::array<std::size_t, kLogAlphaBins> log_alpha{};

  double undecided = 0;  // share of weights with |log alpha - threshold| < 1
};

/// A number that the noise of a layer learned: p of concrete.
struct LearnedNoise {
  std::string layer, noise, name;
  double value = 0;
};

struct Facts {
  std::vector<LayerFacts> layers;
  SwitchedOff off;
  std::vector<LearnedNoise> learned;
  double penalty = 0;                   // sum over layers, nats
  std::size_t train_rows = 0;           // 0: the model does not say
  std::optional<double> log_precision;  // regression: of the noise, standardised target units
  std::optional<double> noise_sd;       // the same in the target's units
  std::optional<double> rmse;         // on rows that were not trained on, where the caller knows it
  std::vector<std::string> constant;  // columns that were constant in training
  std::vector<std::string> heavy;     // noise laws without mean or variance
  std::vector<std::string> not_finite;  // tensors that hold NaN or infinity
  std::string too_deep;      // what signal propagation says against the depth; empty: nothing
  std::string depth_unsaid;  // why it says nothing either way; empty where it does
  History history;
};

Facts facts_of(const model::Model& model, History history = {});

struct Finding {
  std::string rule;   // "still_falling"
  std::string where;  // layer, column or tensor; may be empty
  std::string what;   // what looks wrong, and what to try
};

/// One thing that may be wrong.
struct Rule {
  std::string_view name;
  std::string_view summary;  // when it speaks
  /// Why it cannot look ("no log of a run"); empty where it can.
  std::string_view (*lacks)(const Facts& facts);
  /// Requires: it lacks nothing.
  void (*look)(const Facts& facts, const Rule& rule, std::vector<Finding>& out);
};
const std::vector<Rule>& rules();

/// What the rules that can look find, in order.
std::vector<Finding> findings(const Facts& facts);

/// A rule that could not look, and why.
struct Unjudged {
  std::string_view rule, why;
};
std::vector<Unjudged> unjudged(const Facts& facts);

nlohmann::ordered_json to_json(const Facts& facts);

}  // namespace scalemix::inline v0::study
