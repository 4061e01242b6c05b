// The table of noise: every kind of noise that a layer can carry, one row and one file each. Trainer,
// predictor, show, diagnose, signal propagation, pruning and the model file read the row; none of
// them names a kind. What a row lacks is null.
//
//   where         acts on                                  forward maps
//   input         what a noise layer, or a layer with      rows (N, K) -> (N, K)
//                 weights, takes
//   before_bias   what a layer's weights make of it,       rows (N, K) -> (N, K)
//                 before the bias is added
//   weights       a layer's weights, once per draw         w (W) -> noisy w (W)
//   moments       a layer's pre-activations, whose mean    nothing: the layer draws
//                 and variance `prepare` and the weights   N(mean, var) itself
//                 give (local reparameterisation)
//   penalty       nothing: a prior adds to the objective   -
//
// Noise on a residual branch is a noise layer at the end of the branch.
//
// Everything a kind works on stands in At: one replica, one pass. A pass comes in three modes: in
// training noise is drawn and state written; a sample of a prediction draws; a deterministic pass
// has `centre` and `stand_in` in place of draws. A kind with state, or one that couples the rows of
// a batch, draws in a prediction from its stationary law or from stored moments, so that no answer
// depends on its neighbours.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/kernel/noise.h"
#include "scalemix/law/any_law.h"
#include "scalemix/law/compile.h"
#include "scalemix/model/spec.h"
#include "scalemix/prior/joint.h"
#include "scalemix/prior/prior.h"
#include "scalemix/prior/scales.h"

namespace scalemix::inline v0::model {

enum class Where { input, before_bias, weights, moments, penalty };

/// Where::moments, instead of normal draws: y = x w + ((x s) sigma) r with signs s of every input and
/// r of every output, for each row (flipout; Wen et al. 2018). `one`: +1 and -1. `released`: +3 and
/// -1, which a published program draws, and which add sigma to every weight's mean.
enum class Signs { none, one, released };

struct NoiseKind;

/// A kind at its place in a network, with all that is fixed before the first step.
struct NoiseUse {
  const NoiseKind* kind = nullptr;
  std::vector<double> values = {};         // of kind->parameters
  std::optional<law::AnyLaw> law = {};     // of kinds that take one
  law::Compiled draws = {};                // what `forward` draws from, its tables made
  law::LinkedLaw linked = {};              // instead, where the law's parameters are learned
  std::uint32_t number = 0;                // of the site, in the stream
  Shape shape = {};                        // of a row where it acts
  kernel::Site site = {};                  // rows, row0 and logical are set by at()
  std::vector<std::int64_t> columns = {};  // logical numbers of the columns left; empty: all
  std::size_t weights = 0;                 // of the layer it decorates; 0: it decorates none
  std::shared_ptr<const prior::Scales> scales = {};  // of its prior, where that has some
  std::optional<prior::Prior> prior = {};            // of kinds that take one
  std::shared_ptr<const prior::Joint> joint = {};    // that prior on groups of weights
  bool means = false;  // moments: `prepare` writes means too, after the variances; else w are they

  /// The site of `rows` rows, of which the first is `row0` of the global batch; in groups of `group`
  /// whose numbers are `stride` apart unless that is 0.
  kernel::Site at(std::size_t rows, std::uint64_t row0, std::size_t group = 0,
                  std::uint64_t stride = 0) const;
};

/// The use of a noise at a layer that takes rows of `in`. Throws as the law's parser does.
NoiseUse noise_use(const Noise& noise, const Layer& layer, const Shape& in);

inline constexpr std::size_t kMostTensors = 4;  // of a kind

/// One replica in one pass.
struct At {
  const NoiseUse& use;
  bool train = false;  // else of a prediction: posteriors are masked
  Stream stream{};
  std::size_t rows = 0;
  std::uint64_t row0 = 0;
  std::size_t group = 0;  // of rows (NoiseUse::at)
  std::uint64_t stride = 0;
  // Its tensors, trained ones and state, in the order of `tensors`; gradients, added to, null of
  // state.
  std::array<float*, kMostTensors> own{}, d_own{};
  const float* w = nullptr;  // weights of the layer, or null
  float* dw = nullptr;
  float* prepared = nullptr;    // what `prepare` wrote
  float* d_prepared = nullptr;  // moments: the gradient of the variances, and of prepared means
  float* kept = nullptr;        // what forward works in
  float* marks = nullptr;       // what it keeps from step to step; null in a prediction
  bool writes_state = false;    // else tensors of state and marks are left as they are
  double progress = 1;          // share of the training that is done, for what follows a schedule

  kernel::Site site() const { return use.at(rows, row0, group, stride); }
};

/// What signal propagation takes of a kind.
struct NoiseSignal {
  std::optional<law::AnyLaw> law = {};  // of what multiplies (or is added to) each input's numbers
  bool add = false;
  double weight_variance = 0;  // moments: that each weight has beside its mean, at the start
  // moments: the mean of E w^2 that the kind holds the weights at, whatever they are.
  std::optional<double> second_moment = {};
  std::string word = {};  // "bernoulli:p=0.5", for people
};

/// A number that training found, for people: {"p", 0.13}.
struct NoiseReading {
  std::string name;
  double value = 0;
};

struct NoiseKind {
  std::string_view name = {}, summary = {}, source = {};
  Where where = Where::input;
  bool takes_law = false;
  bool takes_prior = false;  // Noise::law is a prior (prior/prior.h)
  bool own_layer =
      false;  // its method puts it in noise layers before layers with weights, not on them
  std::vector<Parameter> parameters = {};

  /// Its own tensors at a layer, at most kMostTensors. Throws std::invalid_argument where it cannot
  /// be.
  std::vector<LayerTensor> (*tensors)(const Noise&, const Layer&) = nullptr;
  /// Fills what of a use is the kind's own: draws, site.
  void (*compile)(NoiseUse&, const Layer&) = nullptr;

  /// Floats of `marks` for batches of at most `rows` rows: 0 at the start, in the checkpoint, not in
  /// the model file.
  std::size_t (*marks)(const NoiseUse&, std::size_t rows) = nullptr;
  /// Floats that `prepare` writes; that forward works in, and in training keeps for backward.
  std::size_t (*prepared)(const NoiseUse&) = nullptr;
  std::size_t (*kept)(const NoiseUse&, std::size_t rows, bool train) = nullptr;
  /// Whether forward may have y == x, and backward dx == dy; then backward is not given x.
  bool in_place = false;

  /// Whole tensors, whenever they changed: at the start, after an update, once for a prediction.
  void (*prepare)(const At&) = nullptr;
  /// Returns the penalty that comes from data, nats.
  double (*forward)(const At&, const float* x, float* y) = nullptr;
  /// dx from dy, both as large as x; `weight` is that of the penalty.
  void (*backward)(const At&, const float* x, const float* dy, float* dx, double weight) = nullptr;
  /// In place, instead of forward, in a deterministic pass; null: nothing changes.
  void (*centre)(const At&, float* x) = nullptr;

  /// The penalty of the tensors, nats, summed.
  double (*penalty)(const At&) = nullptr;
  /// Adds to d_own and dw: weight times the penalty's gradient, and what d_prepared passes on.
  void (*terms_back)(const At&, double weight) = nullptr;
  /// Puts the kind's tensors back into their ranges, after an update.
  void (*settle)(const At&) = nullptr;

  /// The weights (W) of a deterministic pass, and the means of a sampled one; null: w itself. A
  /// weight that is switched off is exactly 0 here, and nowhere else is it decided.
  void (*stand_in)(const At&, float* out) = nullptr;
  /// Log of noise variance over squared mean, of each weight.
  void (*log_alpha)(const At&, float* out) = nullptr;
  /// The log_alpha from which on a weight is switched off.
  double (*threshold)(const Noise&) = nullptr;

  /// Where::moments: how it draws; null: normal draws.
  Signs (*signs)(const Noise&) = nullptr;

  NoiseSignal (*signal)(const Noise&, const Layer&) = nullptr;
  /// What it learned, where a few numbers say it.
  std::vector<NoiseReading> (*readings)(const At&) = nullptr;

  bool draws() const { return where != Where::penalty; }
};

const std::deque<NoiseKind>& noise_kinds();

/// Adds a kind of one's own to the table, at a program's start: while other threads read the table,
/// or after methods() was called, is too late. Throws std::invalid_argument if the name is taken.
void add_noise_kind(NoiseKind kind);

/// Throws std::invalid_argument for an unknown kind, with the nearest known.
const NoiseKind& noise_kind(std::string_view name);

/// With all parameters at their defaults.
Noise noise_of(std::string_view kind, std::string law = {});

/// A parameter by its name.
double setting(const Noise& noise, std::string_view name);

/// "svdo:threshold=3,init=-10", "bernoulli:p=0.5": for people.
std::string noise_text(const Noise& noise);
/// The same without the parameters that have their defaults, but the first.
std::string noise_summary(const Noise& noise);

/// The noise of a layer that draws, or null.
const Noise* drawn_noise(const Layer& layer);

/// What its row says; nothing in particular where it says nothing.
NoiseSignal noise_signal(const Noise& noise, const Layer& layer);

/// The layer's weights, as priors and their scales group them.
prior::Weights prior_weights(const Layer& layer);

/// The variance that a layer's weights have beside their means when training starts; 0 without a
/// posterior.
double weight_spread(const Layer& layer);

/// Throws std::invalid_argument: an unknown kind, a bad law, values out of range, a second noise
/// that draws, a kind that cannot be at this type of layer.
void check_noise(const Layer& layer);

// One maker per family, each in the file of its name.
NoiseKind multiply_noise();
NoiseKind add_noise();
NoiseKind dropconnect_noise();
NoiseKind svdo_noise();
NoiseKind vi_noise();
NoiseKind gsm_noise();
NoiseKind prior_noise();
NoiseKind concrete_noise();
NoiseKind learned_noise();
NoiseKind tabu_noise();

}  // namespace scalemix::inline v0::model
