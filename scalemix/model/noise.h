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
//   row_weights   a layer's weights, once per row          w (W) -> noisy w (W), rows == 1
//   moments       a layer's pre-activations, whose mean    nothing: the layer draws
//                 and variance `prepare` and the weights   N(mean, var) itself
//                 give (local reparameterisation)
//   columns       what a dense layer takes, of its own for    nothing: as moments, of the
//                 each of its outputs                      covariance of turned_noise.h
//   pairs         what a layer takes, without a draw: mean  nothing: the layer gives shape (2, O)
//                 and variance are carried on
//   penalty       nothing: a prior adds to the objective   -
//
// A kind at `moments` may have `forward` too: noise on the layer's input, from a stream of its own.
// Noise on a residual branch is a noise layer at the end of the branch.
//
// A parameter may follow a schedule (parameter_schedule.h): what a kind reads by At::value(), and any
// of its law, which it draws by At::multiplier() and At::raw().
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
#include "scalemix/model/parameter_schedule.h"
#include "scalemix/model/spec.h"
#include "scalemix/prior/joint.h"
#include "scalemix/prior/prior.h"
#include "scalemix/prior/scales.h"

namespace scalemix::inline v0::model {

enum class Where { input, before_bias, weights, row_weights, moments, columns, pairs, penalty };

/// Where::moments, instead of normal draws: y = x w + ((x s) sigma) r with signs s of every input and
/// r of every output, for each row (flipout; Wen et al. 2018). `one`: +1 and -1. `released`: +3 and
/// -1, which a published program draws, and which add sigma to every weight's mean.
enum class Signs { none, one, released };

struct NoiseKind;

/// Of a kind at `moments`, added to a site's number in the stream: the noise on the layer's input.
inline constexpr std::uint32_t kInputStream = std::uint32_t{1} << 27;

/// A parameter that follows a schedule.
struct UseSchedule {
  bool of_law = false;        // else of the kind
  std::size_t parameter = 0;  // its place
  double value = 0;           // as the word has it
  ParameterSchedule schedule;
};

/// A kind at its place in a network, with all that is fixed before the first step.
struct NoiseUse {
  const NoiseKind* kind = nullptr;
  Where where = Where::input;           // it acts
  bool train = false;                   // of a training
  std::vector<double> values = {};      // of kind->parameters, where schedules lead
  std::optional<law::AnyLaw> law = {};  // of kinds that take one, where schedules lead
  law::Compiled draws = {};             // what `forward` draws from, its tables made
  law::LinkedLaw linked = {};           // instead, where the law's parameters are learned
  std::vector<UseSchedule> schedules = {};
  // Of a law that needs another table for other values: laws between the ends of its schedule.
  std::vector<law::AnyLaw> levels = {};
  std::uint32_t number = 0;                // of the site, in the stream
  Shape in = {}, shape = {};               // of a row that the layer takes; where it acts
  kernel::Site site = {};                  // rows, row0 and logical are set by at()
  std::vector<std::int64_t> columns = {};  // logical numbers of the columns left; empty: all
  std::size_t weights = 0;                 // of the layer it decorates; 0: it decorates none
  std::size_t outputs = 0;                 // of that layer
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
NoiseUse noise_use(const Noise& noise, const Layer& layer, const Shape& in, bool train = false);

inline constexpr std::size_t kMostTensors = 8;  // of a kind

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
  double epoch = 0;             // finished epochs of a training

  /// A parameter of the kind as it is in this pass.
  double value(std::size_t parameter) const;
  /// Draws of the law as it is in this pass.
  law::Sampler multiplier() const;
  law::Sampler raw() const;
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
  std::string_view learns = {};  // "a rate per layer"; empty: nothing
  Where where = Where::input;
  bool takes_law = false;
  bool takes_prior = false;  // Noise::law is a prior (prior/prior.h)
  bool own_layer =
      false;  // its method puts it in noise layers before layers with weights, not on them
  bool by_method = true;  // a method has its name
  bool images = false;    // its layers stand where channels of images do, after convolutions
  bool channels = false;  // its layers have a column per channel of an image, not per number
  std::vector<Parameter> parameters = {};
  std::vector<std::string_view> scheduled = {};  // those that may follow a schedule

  /// Where it acts at a layer in a training or a prediction; null: at `where`.
  Where (*placed)(const Noise&, const Layer&, bool train) = nullptr;
  /// Throws std::invalid_argument where it cannot stand before rows of that shape.
  void (*check)(const Noise&, const Layer&, const Shape& in) = nullptr;

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
  bool data_penalty = false;  // whether forward has one
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
  /// Whether stand_in switches weights off; null: it never does.
  bool (*prunes)(const Noise&) = nullptr;
  /// The log_alpha from which on a weight is switched off.
  double (*threshold)(const Noise&) = nullptr;

  /// Whether the pair with an update rule in optim/fused.h may stand for it; null: yes.
  bool (*plain)(const NoiseUse&) = nullptr;

  /// Where::moments: how it draws; null: normal draws.
  Signs (*signs)(const Noise&) = nullptr;

  NoiseSignal (*signal)(const Noise&, const Layer&) = nullptr;
  /// What it learned, where a few numbers say it.
  std::vector<NoiseReading> (*readings)(const At&) = nullptr;

  /// Whether it stands in a layer's forward pass, which has room for one such kind.
  bool draws() const { return where != Where::penalty; }
  /// Whether its layers, whose pre-activations are drawn, have noise on their input as well.
  bool draws_input_too() const { return where == Where::moments && forward; }
  /// Whether what it does differs from draw to draw.
  bool random() const { return draws() && where != Where::pairs; }
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

/// Where a noise acts at its layer.
Where noise_place(const Noise& noise, const Layer& layer, bool train = false);

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

/// Throws std::invalid_argument: an unknown kind, a bad law, values out of range, also where a
/// schedule leads, a second noise that draws, a kind that cannot be at this type of layer.
void check_noise(const Layer& layer);
/// The same of the rows that reach it.
void check_noise_place(const Layer& layer, const Shape& in);

// One maker per family, each in the file of its name.
NoiseKind multiply_noise();
NoiseKind add_noise();
NoiseKind dropconnect_noise();
NoiseKind advanced_noise();
NoiseKind alpha_noise();
NoiseKind continuous_noise();
NoiseKind dropblock_noise();
NoiseKind fast_noise();
NoiseKind gate_noise();
NoiseKind gnj_noise();
NoiseKind information_noise();
NoiseKind l0_noise();
NoiseKind sbp_noise();
NoiseKind soft_noise();
NoiseKind vdo_a_noise();
NoiseKind vdo_b_noise();
NoiseKind vsd_noise();
NoiseKind svdo_noise();
NoiseKind vi_noise();
NoiseKind gsm_noise();
NoiseKind prior_noise();
NoiseKind concrete_noise();
NoiseKind learned_noise();
NoiseKind tabu_noise();

}  // namespace scalemix::inline v0::model
