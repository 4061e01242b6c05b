#include "scalemix/base/synonym.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace scalemix::inline v0 {
namespace {

// The first whose word of ours is a candidate counts.
constexpr std::array kPairs = {
    // methods
    Synonym{"dropout", "bernoulli"},
    Synonym{"mc_dropout", "bernoulli"},
    Synonym{"gaussian_dropout", "gaussian"},
    Synonym{"multiplicative_gaussian", "gaussian"},
    Synonym{"dropout2d", "spatial"},
    Synonym{"spatial_dropout", "spatial"},
    Synonym{"channel_dropout", "spatial"},
    Synonym{"drop_connect", "dropconnect"},
    Synonym{"drop_path", "stochastic_depth"},
    Synonym{"droppath", "stochastic_depth"},
    Synonym{"drop_block", "dropblock"},
    Synonym{"alpha_dropout", "alpha"},
    Synonym{"concrete_dropout", "concrete"},
    Synonym{"variational_dropout", "svdo"},
    Synonym{"sparse_variational_dropout", "svdo"},
    Synonym{"sparsevd", "svdo"},
    Synonym{"bayes_by_backprop", "vi"},
    Synonym{"bbb", "vi"},
    Synonym{"mean_field", "vi"},
    Synonym{"exponential", "gamma"},
    Synonym{"normal", "gaussian"},
    // options
    Synonym{"learning_rate", "lr"},
    Synonym{"batch_size", "batch"},
    Synonym{"optimizer", "optimiser"},
    Synonym{"num_epochs", "epochs"},
    Synonym{"n_epochs", "epochs"},
    Synonym{"max_iter", "epochs"},
    Synonym{"arch", "model"},
    Synonym{"architecture", "model"},
    Synonym{"network", "model"},
    Synonym{"noise", "method"},
    Synonym{"dropout", "method"},
    Synonym{"dataset", "data"},
    Synonym{"train", "data"},
    Synonym{"input", "data"},
    Synonym{"label", "target"},
    Synonym{"output", "out"},
    Synonym{"output_dir", "out"},
    Synonym{"lr_schedule", "schedule"},
    Synonym{"scheduler", "schedule"},
    Synonym{"l2", "weight-decay"},
    Synonym{"grad_clip", "clip"},
    Synonym{"early_stopping", "patience"},
    Synonym{"val_fraction", "validation-fraction"},
    Synonym{"test_size", "test-fraction"},
    Synonym{"k_fold", "folds"},
    Synonym{"cv", "folds"},
    Synonym{"random_state", "seed"},
    Synonym{"num_threads", "threads"},
    Synonym{"n_jobs", "threads"},
    Synonym{"workers", "threads"},
    Synonym{"mc_samples", "samples"},
    Synonym{"silent", "quiet"},
    // optimisers, activations, architectures
    Synonym{"sgdm", "sgd"},
    Synonym{"swish", "silu"},
    Synonym{"dense", "mlp"},
    Synonym{"feedforward", "mlp"},
    Synonym{"lenet", "lenet5"},
    Synonym{"lenet_5", "lenet5"},
    Synonym{"lenet_300_100", "mlp"},
    // commands
    Synonym{"fit", "train"},
    Synonym{"eval", "evaluate"},
    Synonym{"test", "evaluate"},
    Synonym{"infer", "predict"},
    Synonym{"inference", "predict"},
    Synonym{"sparsify", "prune"},
    Synonym{"compress", "prune"},
    Synonym{"info", "show"},
    Synonym{"summary", "show"},
    Synonym{"distill", "distil"},
    Synonym{"benchmark", "bench"},
    Synonym{"datasets", "data"},
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

std::span<const Synonym> synonyms() { return kPairs; }

std::string synonym(std::string_view word, std::span<const std::string> candidates) {
  const std::string sought = plain(word);
  for (const Synonym& pair : kPairs) {
    if (pair.theirs != sought) continue;
    const auto found = std::find_if(
        candidates.begin(), candidates.end(),
        [&pair](const std::string& candidate) { return plain(candidate) == plain(pair.ours); });
    if (found != candidates.end()) return *found;
  }
  return "";
}

}  // namespace scalemix::inline v0
