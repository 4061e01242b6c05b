// A network trained for a while on images, for entries that ask whether it learns at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "scalemix/cli/reproduce/common.h"
#include "scalemix/run/plan.h"

namespace scalemix::inline v0::cli::reproduce {

/// What is trained, and how; the words of `train`.
struct Training {
  std::string model, method = "none", init = "critical";
  std::optional<double> sigma_w2 = {};  // in place of init: N(0, sigma_w2 / fan_in) in every layer
  double sigma_b2 = 0;                  // with it: biases N(0, sigma_b2)
  std::string optimiser = "adam";
  double lr = 1e-3;
  std::size_t batch = 100, steps = 100, watch = 0;  // held-out error every `watch` steps (0: at the
                                                    // end alone)
  std::uint64_t seed = 1;
};

struct Trained {
  std::vector<double> nll;    // of each step's batch, nats per row, with noise
  std::vector<double> error;  // share of held-out images misclassified, without noise
  bool diverged = false;      // loss or gradient was not finite, or grew a million times

  /// Mean nll over the last tenth of the steps; infinite if it diverged.
  double last_nll() const;
  /// The last and the least held-out error; that of a guess among ten if none was measured.
  double last_error() const { return error.empty() ? 0.9 : error.back(); }
  double least_error() const;
};

/// Whether a is smaller than b, measured with the same seeds, by Friedman's test at 5 %; empty if
/// not resolved. And the words for it: "0.20 against 0.37 over 10 seeds, p = 0.002"; seeds, or
/// whatever else the values are over.
std::optional<bool> smaller(const std::vector<double>& a, const std::vector<double>& b);
std::string comparison(const std::vector<double>& a, const std::vector<double>& b,
                       const char* over = "seeds");

class Trainee {
 public:
  /// `train_rows` and `test_rows` of `data`; empty: MNIST where it is on this machine, else glyphs.
  /// Throws FileError and DataError where it cannot be read.
  Trainee(std::size_t train_rows, std::size_t test_rows, const std::string& data = "");
  Trained run(const Training& training);
  /// The network as it would be trained.
  model::Spec spec(const Training& training) const;
  const std::string& data() const { return plan_.data.name; }
  /// Error of a guess.
  double chance() const { return 1 - 1 / static_cast<double>(plan_.data.classes.size()); }
  std::size_t rows() const { return plan_.replicas.front().split.train.size(); }

 private:
  run::Plan plan_;
};

}  // namespace scalemix::inline v0::cli::reproduce
