#include "scalemix/model/signal_walk.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <stdexcept>

#include "scalemix/model/layer_kind.h"
#include "scalemix/model/noise.h"
#include "scalemix/signal/architecture.h"

namespace scalemix::inline v0::model {
namespace {

using signal::Network;
using signal::NoiseMoments;

using Row = SignalRow;

constexpr double kForever = std::numeric_limits<double>::infinity();

/// What reaches a layer: pre-activations of variance q (one input) and 1 - c (two), then an
/// activation, then noise.
struct State {
  std::optional<double> q = {}, one_minus_c = {};
  std::string activation = {};  // pending, as are the noise and its words
  NoiseMoments noise = {};
  std::vector<std::string> laws = {};
  std::vector<std::string> notes = {};  // for the next row
  std::string lost = {};                // why q is empty
};

void lose(State& s, const std::string& why) {
  s.q.reset();
  s.one_minus_c.reset();
  if (s.lost.empty()) s.lost = why;
}

class Walk {
 public:
  Walk(const InitialPlan& plan, const SignalStart& start) {
    for (const InitialWeights& w : plan.layers) weights_[w.layer] = w;
    state_.q = start.q0;
    state_.one_minus_c = signal::Pair::at(start.q0, start.q0, start.c0).one_minus_c;
  }

  std::vector<Row> run(const std::vector<Layer>& layers) {
    visit_all(layers);
    if (rows_.empty()) return {};
    rows_.back().last = true;
    note_rest();
    return std::move(rows_);
  }

 private:
  void visit_all(const std::vector<Layer>& layers) {
    for (const Layer& layer : layers) visit(layer);
  }

  void visit(const Layer& layer) {
    switch (layer_kind(layer.type).family) {
      case Family::residual:
        return residual(layer);
      case Family::noise:
        return noise(layer);
      case Family::norm:
        return norm(layer);
      case Family::weighted:
        return weights(layer);
      case Family::activation:
        return activation(layer);
      case Family::shape:
        return;  // weights behind it are independent of each other
      case Family::pool:
        return pool(layer);
      case Family::moments:
        return;  // the last layer
    }
  }

  void activation(const Layer& layer) {
    const std::string word = activation_word(layer);
    if (!state_.activation.empty() && word != "linear") {
      lose(state_, fmt::format("{} comes after {}: what reaches it is not Gaussian", label(layer),
                               state_.activation));
    }
    const bool bernoulli = std::all_of(state_.laws.begin(), state_.laws.end(),
                                       [](auto& law) { return law.starts_with("bernoulli"); });
    const bool straight = signal::Activation::parse(word).negative_slope().has_value();
    if (!state_.laws.empty() && !(straight && bernoulli)) {
      lose(state_,
           fmt::format("there is noise before {}: what reaches it is not Gaussian", label(layer)));
    }
    state_.activation = word;
  }

  void noise(const Layer& layer) {
    const NoiseSignal s = noise_signal(layer.noise.front(), layer);
    if (!s.law) return lose(state_, fmt::format("the theory does not cover {}", label(layer)));
    if (s.add && s.law->mean() != 0) {
      return lose(state_, fmt::format("{} adds noise whose mean is not 0", label(layer)));
    }
    state_.noise = signal::joined(
        state_.noise, s.add ? signal::additive(*s.law) : signal::multiplicative(*s.law));
    state_.laws.push_back(s.word);
    if (layer.at == Site::layer) {
      state_.notes.push_back("one draw per row: q is the mean over draws");
    } else if (layer.at == Site::channel) {
      state_.notes.push_back("one draw per channel, shared by its positions");
    }
  }

  void pool(const Layer& layer) {
    const bool max = layer_kind(layer.type).largest;
    state_.notes.push_back(
        fmt::format("{} is assumed to keep q and c: it {} q by an unknown amount", label(layer),
                    max ? "raises" : "lowers"));
  }

  void weights(const Layer& layer) {
    const auto found = weights_.find(layer.name);
    if (found == weights_.end()) {
      throw std::invalid_argument("signal: the plan has no weights of " + layer.name);
    }
    Row row;
    row.first = std::none_of(rows_.begin(), rows_.end(), [](auto& r) { return r.net.has_value(); });
    row.inside = inside_;
    row.layer.name = layer.name;
    row.layer.type = layer.type;
    row.layer.fan_in = fan_in(layer);
    double sigma_w2 = found->second.variance * *row.layer.fan_in;
    row.layer.sigma_w2 = sigma_w2;
    own_noise(layer, found->second, sigma_w2);
    if (layer.padding > 0) {
      state_.notes.push_back("zero padding loses mass at the borders, which is not counted");
    }
    row.layer.activation = state_.activation;
    row.layer.noise = fmt::format("{}", fmt::join(state_.laws, " "));
    const std::string word = state_.activation.empty() ? "linear" : state_.activation;
    row.net = Network{signal::Activation::parse(word), state_.noise, sigma_w2, 0, {}};
    pass(row);
    state_.activation.clear();
    state_.noise = {};
    state_.laws.clear();
    row.layer.notes = std::move(state_.notes);
    state_.notes.clear();
    rows_.push_back(std::move(row));
  }

  /// Noise on the weights themselves, and forms that the maps are not for.
  void own_noise(const Layer& layer, const InitialWeights& initial, double& sigma_w2) {
    if (const Noise* noise = drawn_noise(layer)) drawn_by(layer, *noise, initial, sigma_w2);
    const bool mirrored =
        initial.form == InitialForm::mirrored || initial.form == InitialForm::mirrored_orthogonal;
    if (mirrored) {
      lose(state_,
           "mirrored halves make the network a linear one, which independent weights are "
           "not");
    }
  }

  void drawn_by(const Layer& layer, const Noise& noise, const InitialWeights& initial,
                double& sigma_w2) {
    const NoiseSignal s = noise_signal(noise, layer);
    const Where where = noise_kind(noise.kind).where;
    if (where == Where::weights && s.law) {
      const double mu2 = signal::multiplicative(*s.law).mu2;
      sigma_w2 *= mu2;
      state_.notes.push_back(fmt::format(
          "{} is drawn once for all rows of a step: it multiplies the variance of the weights by "
          "{:.4g} and does not tell inputs apart",
          s.word, mu2));
    } else if (where == Where::moments) {
      const double alpha = s.weight_variance / initial.variance;
      if (s.second_moment) sigma_w2 = fan_in(layer) * *s.second_moment / (1 + alpha);
      state_.noise = signal::joined(state_.noise, signal::gaussian_noise(alpha));
      state_.laws.push_back(fmt::format("{}, alpha {:.3g}", s.word, alpha));
    } else if (s.law) {
      state_.noise = signal::joined(state_.noise, signal::multiplicative(*s.law));
      state_.laws.push_back(s.word);
    } else {
      lose(state_, fmt::format("the theory does not cover the noise of {}", label(layer)));
    }
  }

  /// q and c behind the weights.
  void pass(Row& row) {
    const Network& net = *row.net;
    SignalLayer& layer = row.layer;
    if (!state_.q) {
      layer.notes.push_back("not known: " + state_.lost);
      return;
    }
    const double q = *state_.q;
    const double next = net.noise.finite() ? signal::variance_map(net, q) : kForever;
    if (!(next < 1e150)) {
      lose(state_, net.noise.finite() ? "the variance is out of range"
                                      : "the noise's second moment is infinite");
      layer.q = kForever;
      return;
    }
    layer.gradient = signal::chi_gradient(net, q);
    if (state_.one_minus_c) {
      layer.slopes = signal::slopes_at(net, q, *state_.one_minus_c);
      const signal::Pair after =
          signal::pair_map(net, signal::Pair::near_one(q, q, *state_.one_minus_c));
      state_.one_minus_c = after.one_minus_c;
      layer.c = after.c;
    }
    state_.q = layer.q = next;
  }

  void norm(const Layer& layer) {
    if (!layer_kind(layer.type).of_batch) {
      return lose(state_, fmt::format("the theory does not cover {}", label(layer)));
    }
    batch_norm(layer);
  }

  void batch_norm(const Layer& layer) {
    const bool behind_weights = state_.activation.empty() && state_.laws.empty() &&
                                !rows_.empty() && rows_.back().net.has_value();
    if (!behind_weights) {
      lose(state_, fmt::format("{} does not follow weights", label(layer)));
      return;
    }
    Row& row = rows_.back();
    row.normalised = true;
    row.layer.type += "+batch_norm";
    row.layer.slopes.reset();
    row.layer.c.reset();
    row.layer.gradient.reset();
    if (!row.first) {
      row.layer.gradient = signal::batch_norm_growth(row.net->activation, row.net->noise);
    }
    row.layer.notes.assign({"batch normalisation: q = 1, c depends on the batch"});
    state_.q = row.layer.q = 1;
    state_.one_minus_c.reset();
    state_.lost.clear();
  }

  struct Side {
    State state;
    std::optional<double> gradient = 1;  // product of what its layers grow by
  };

  Side side(const std::vector<Layer>& layers, const State& start) {
    const std::size_t from = rows_.size();
    state_ = start;
    visit_all(layers);
    if (!state_.activation.empty() && !layers.empty()) {
      lose(state_, "a branch ends with an activation: the sum is not Gaussian");
    }
    Side out{state_};
    if (!layers.empty()) take_noise(out.state);
    for (std::size_t i = from; i < rows_.size(); ++i) {
      const std::optional<double>& g = rows_[i].layer.gradient;
      if (rows_[i].normalised || !g) out.gradient.reset();
      if (out.gradient) *out.gradient *= *g;
    }
    if (out.gradient && !layers.empty()) *out.gradient *= state_.noise.mu2;
    return out;
  }

  /// Noise at the end of a branch becomes part of q and c.
  static void take_noise(State& s) {
    const NoiseMoments& z = s.noise;
    if (s.q && !z.finite()) lose(s, "the noise's second moment is infinite");
    if (s.q) {
      const double q = *s.q, after = q * z.mu2 + z.s2;
      if (s.one_minus_c && after > 0) {
        const double drive = q * z.alpha() + z.s2;
        s.one_minus_c = (drive + z.mean * z.mean * q * *s.one_minus_c) / after;
      }
      s.q = after;
    }
    s.noise = {};
    s.laws.clear();
  }

  void residual(const Layer& layer) {
    const State start = state_;
    const bool outer = inside_;
    inside_ = true;
    const Side branch = side(layer.branch, start);
    State fresh = start;
    fresh.notes = branch.state.notes;
    const Side shortcut = side(layer.shortcut, fresh);
    inside_ = outer;
    Row row;
    row.inside = outer;
    row.layer.name = layer.name;
    row.layer.type = "residual";
    State sum;
    const bool straight = layer.shortcut.empty();
    if (straight && (!start.activation.empty() || !start.laws.empty())) {
      lose(sum, "a shortcut carries the output of an activation or of noise: not Gaussian");
    } else if (!branch.state.q || !shortcut.state.q) {
      lose(sum, branch.state.q ? shortcut.state.lost : branch.state.lost);
    } else {
      add(branch, shortcut, row, sum);
    }
    if (!sum.q) row.layer.notes.push_back("not known: " + sum.lost);
    for (const std::string& note : shortcut.state.notes) row.layer.notes.push_back(note);
    state_ = sum;
    rows_.push_back(std::move(row));
  }

  static void add(const Side& branch, const Side& shortcut, Row& row, State& sum) {
    const State &a = branch.state, &b = shortcut.state;
    sum.q = row.layer.q = *a.q + *b.q;
    if (a.one_minus_c && b.one_minus_c && *sum.q > 0) {
      sum.one_minus_c = (*a.q * *a.one_minus_c + *b.q * *b.one_minus_c) / *sum.q;
      row.layer.c = 1 - *sum.one_minus_c;
    }
    if (branch.gradient && shortcut.gradient) {
      row.layer.gradient = *branch.gradient + *shortcut.gradient;
    }
  }

  /// Notes of layers behind the last weights.
  void note_rest() {
    auto& notes = rows_.back().layer.notes;
    notes.insert(notes.end(), state_.notes.begin(), state_.notes.end());
  }

  std::map<std::string, InitialWeights> weights_;
  std::vector<Row> rows_;
  State state_;
  bool inside_ = false;
};

}  // namespace

std::vector<SignalRow> signal_rows(const Spec& spec, const InitialPlan& plan,
                                   const SignalStart& start) {
  return Walk(plan, start).run(spec.layers);
}

}  // namespace scalemix::inline v0::model
