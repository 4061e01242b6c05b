#include "scalemix/base/synonym.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace scalemix::inline v0 {
namespace {

struct Pair {
  std::string_view theirs, ours;
};

// A word of theirs may have several of ours: the first that is a candidate counts.
constexpr std::array kPairs = {
    // methods
    Pair{"dropout", "bernoulli"},
    Pair{"mc_dropout", "bernoulli"},
    Pair{"gaussian_dropout", "gaussian"},
    Pair{"multiplicative_gaussian", "gaussian"},
    Pair{"dropout2d", "spatial"},
    Pair{"spatial_dropout", "spatial"},
    Pair{"channel_dropout", "spatial"},
    Pair{"drop_connect", "dropconnect"},
    Pair{"drop_path", "stochastic_depth"},
    Pair{"droppath", "stochastic_depth"},
    Pair{"drop_block", "dropblock"},
    Pair{"alpha_dropout", "alpha"},
    Pair{"concrete_dropout", "concrete"},
    Pair{"variational_dropout", "svdo"},
    Pair{"sparse_variational_dropout", "svdo"},
    Pair{"sparsevd", "svdo"},
    Pair{"bayes_by_backprop", "vi"},
    Pair{"bbb", "vi"},
    Pair{"mean_field", "vi"},
    Pair{"exponential", "gamma"},
    Pair{"normal", "gaussian"},
    // options
    Pair{"learning_rate", "lr"},
    Pair{"batch_size", "batch"},
    Pair{"optimizer", "optimiser"},
    Pair{"num_epochs", "epochs"},
    Pair{"n_epochs", "epochs"},
    Pair{"max_iter", "epochs"},
    Pair{"arch", "model"},
    Pair{"architecture", "model"},
    Pair{"network", "model"},
    Pair{"noise", "method"},
    Pair{"dropout", "method"},
    Pair{"dataset", "data"},
    Pair{"train", "data"},
    Pair{"input", "data"},
    Pair{"label", "target"},
    Pair{"output", "out"},
    Pair{"output_dir", "out"},
    Pair{"lr_schedule", "schedule"},
    Pair{"scheduler", "schedule"},
    Pair{"l2", "weight-decay"},
    Pair{"grad_clip", "clip"},
    Pair{"early_stopping", "patience"},
    Pair{"val_fraction", "validation-fraction"},
    Pair{"test_size", "test-fraction"},
    Pair{"k_fold", "folds"},
    Pair{"cv", "folds"},
    Pair{"random_state", "seed"},
    Pair{"num_threads", "threads"},
    Pair{"n_jobs", "threads"},
    Pair{"workers", "threads"},
    Pair{"mc_samples", "samples"},
    Pair{"silent", "quiet"},
    // optimisers, activations, architectures
    Pair{"sgdm", "sgd"},
    Pair{"swish", "silu"},
    Pair{"dense", "mlp"},
    Pair{"feedforward", "mlp"},
    Pair{"lenet", "lenet5"},
    Pair{"lenet_5", "lenet5"},
    Pair{"lenet_300_100", "mlp"},
    // commands
    Pair{"fit", "train"},
    Pair{"eval", "evaluate"},
    Pair{"test", "evaluate"},
    Pair{"infer", "predict"},
    Pair{"inference", "predict"},
    Pair{"sparsify", "prune"},
    Pair{"compress", "prune"},
    Pair{"info", "show"},
    Pair{"summary", "show"},
    Pair{"distill", "distil"},
    Pair{"benchmark", "bench"},
    Pair{"datasets", "data"},
};

/// Lower case, "_" for "-", without a leading "--".
std::string plain(std::string_view word) {
  if (word.starts_with("--")) word.remove_prefix(2);
  std::string out(word);
  for (char& c : out) {
    c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return out;
}

}  // namespace

std::string synonym(std::string_view word, std::span<const std::string> candidates) {
  const std::string sought = plain(word);
  for (const Pair& pair : kPairs) {
    if (pair.theirs != sought) continue;
    const auto found = std::find_if(
        candidates.begin(), candidates.end(),
        [&pair](const std::string& candidate) { return plain(candidate) == plain(pair.ours); });
    if (found != candidates.end()) return *found;
  }
  return "";
}

}  // namespace scalemix::inline v0
