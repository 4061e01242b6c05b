// The predictor: a model to predictions.
//
// A Predictor is immutable and may be shared between threads; a Context, one per caller, owns the
// scratch memory. After the first call with a given batch nothing of ours is allocated. A Context
// keeps what it needs of its predictor, so it may outlive it.
//
//   Predictor model(model::load_model("model.safetensors"));
//   Context context(model);
//   Prediction p = predict(context, x, rows);                       deterministic
//   Prediction p = predict(context, x, rows, {.samples = 100});     Monte-Carlo
//
// Deterministic: every noise is replaced by what its row of model/noise.h says: multipliers by their
// mean (1; the median where a law has no mean), svdo weights by their mean where log alpha is below
// the threshold and 0 elsewhere. Monte-Carlo: draw t of row n redraws exactly the trainer's noise of
// Purpose::predict, draw t; what comes before the first draw is computed once, the moments of a
// variational layer included.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "scalemix/model/model_file.h"
#include "scalemix/predict/crossover.h"

namespace scalemix::inline v0::predict {

class Predictor {
 public:
  /// Zeros of weights are left out from the shares of `crossover` on.
  explicit Predictor(model::Model model, const Crossover& crossover = {});

  const model::Spec& spec() const;
  const model::Preprocessing& preprocessing() const;
  const model::Model& model() const;
  bool stochastic() const;      // does any layer draw noise?
  std::size_t width() const;    // K, numbers in a row
  std::size_t outputs() const;  // classes or targets

  struct Plan;  // plan.h
  const std::shared_ptr<const Plan>& plan() const { return plan_; }

 private:
  std::shared_ptr<const Plan> plan_;
};

/// Scratch memory of one caller.
class Context {
 public:
  explicit Context(const Predictor& predictor);
  ~Context();
  Context(Context&&) noexcept;

  struct Scratch;
  Scratch& scratch() { return *scratch_; }
  const Predictor::Plan& plan() const { return *plan_; }

 private:
  std::shared_ptr<const Predictor::Plan> plan_;
  std::unique_ptr<Scratch> scratch_;
};

struct PredictOptions {
  std::size_t samples = 0;  // 0: deterministic
  std::uint64_t seed = 0;
  std::uint64_t row0 = 0;  // position of the first row in the whole set, for the noise
  std::size_t block = 0;   // rows computed at a time; 0: chosen from the layer sizes
};

/// Regression: in the user's target units. Classification: probabilities and nats.
struct Prediction {
  std::vector<float> mean;  // (N, outputs): predictive mean, or class probabilities
  std::vector<float>
      epistemic;  // (N, outputs) variance of the mean over draws; or (N) mutual information
  std::vector<float> aleatoric;  // (N, outputs) noise variance; or (N) expected entropy
};

/// x: (rows, K) in the user's units, NaN where missing. Throws std::invalid_argument for a wrong
/// size.
Prediction predict(Context& context, std::span<const float> x, std::size_t rows,
                   const PredictOptions& options = {});
/// The same into memory that is reused.
void predict(Context& context, std::span<const float> x, std::size_t rows,
             const PredictOptions& options, Prediction& out);

/// Network outputs before the last step (logits, standardised means), (samples or 1, rows,
/// outputs); for tests and for calibration.
void predict_outputs(Context& context, std::span<const float> x, std::size_t rows,
                     const PredictOptions& options, std::vector<float>& out);

}  // namespace scalemix::inline v0::predict
