#include "scalemix/optim/rule.h"

#include <gmock/gmock.h>

#include <cmath>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/kernel/variational.h"
#include "scalemix/optim/fused.h"

namespace scalemix::optim {
namespace {

/// Weights, gradients and a rule's arrays.
struct Numbers {
  explicit Numbers(const Rule& rule, std::size_t n = 5)
      : w(n), g(n), arrays(rule.arrays.size(), std::vector<float>(n)) {
    for (std::size_t i = 0; i < n; ++i) {
      w[i] = 0.5f - 0.3f * static_cast<float>(i);
      g[i] = 0.1f * static_cast<float>(i) - 0.2f;
    }
  }
  Piece piece(bool decays = false) {
    Piece out{.count = w.size(), .g = g.data(), .w = w.data(), .decays = decays};
    for (std::size_t a = 0; a < arrays.size(); ++a) out.arrays[a] = arrays[a].data();
    return out;
  }
  std::vector<float> w, g;
  std::vector<std::vector<float>> arrays;
};

TEST(Rule, NamesAndArraysAreUniqueAndUnknownOnesAreRefused) {
  std::set<std::string_view> names;
  for (const Rule& row : rules()) {
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_LE(row.arrays.size(), kMostArrays);
    EXPECT_LE(row.scalars.size(), kMostScalars);
    EXPECT_TRUE(row.reduce || row.scalars.empty());
    std::set<std::string_view> kept(row.arrays.begin(), row.arrays.end());
    kept.insert(row.scalars.begin(), row.scalars.end());
    EXPECT_EQ(kept.size(), row.arrays.size() + row.scalars.size());
    EXPECT_GT(row.lr, 0);
  }
  EXPECT_THROW(rule("adma"), ConfigError);
}

TEST(Rule, AFirstStepOfAdamGoesByTheSignOfTheGradient) {
  Numbers n(rule("adam"));
  const std::vector<float> before = n.w;
  rule("adam").update({.lr = 0.01}, 1, n.piece());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double sign = n.g[i] > 0 ? 1 : n.g[i] < 0 ? -1 : 0;
    EXPECT_NEAR(n.w[i], before[i] - 0.01 * sign, 1e-6);
  }
}

TEST(Rule, DecayOfAdamwDoesNotPassThroughTheMoments) {
  Numbers coupled(rule("adam")), decoupled(rule("adamw")), plain(rule("adam"));
  const Rate rate{.lr = 0.01, .decay = 0.5};
  const std::vector<float> before = plain.w;
  rule("adam").update(rate, 1, coupled.piece(true));
  rule("adamw").update(rate, 1, decoupled.piece(true));
  rule("adam").update({.lr = 0.01}, 1, plain.piece());
  EXPECT_EQ(decoupled.arrays[0], plain.arrays[0]);
  EXPECT_NE(coupled.arrays[0], plain.arrays[0]);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(decoupled.w[i], plain.w[i] - 0.01 * 0.5 * before[i], 1e-6);
  }
}

TEST(Rule, WhatDoesNotDecayIsNotDecayed) {
  for (const Rule& row : rules()) {
    Numbers with(row), without(row);
    row.update({.lr = 0.01, .decay = 0.5}, 1, with.piece(false));
    row.update({.lr = 0.01}, 1, without.piece(false));
    EXPECT_EQ(with.w, without.w) << row.name;
    Numbers decays(row);
    row.update({.lr = 0.01, .decay = 0.5}, 1, decays.piece(true));
    EXPECT_NE(decays.w, without.w) << row.name;
  }
}

TEST(Rule, RateFactorsAndScalesOfAPieceHold) {
  for (const Rule& row : rules()) {
    Numbers slow(row), fast(row);
    Piece piece = slow.piece();
    piece.rate = 0.5;
    row.update({.lr = 0.02}, 1, piece);
    row.update({.lr = 0.01}, 1, fast.piece());
    EXPECT_EQ(slow.w, fast.w) << row.name;
  }
  Numbers half(rule("sgd")), whole(rule("sgd"));
  Piece piece = half.piece();
  piece.scale = 0.5f;
  rule("sgd").update({.lr = 0.02}, 1, piece);
  rule("sgd").update({.lr = 0.01}, 1, whole.piece());
  EXPECT_EQ(half.w, whole.w);
}

TEST(Rule, APieceMayBeCut) {
  for (const Rule& row : rules()) {
    Numbers whole(row, 300), cut(row, 300);
    const Rate rate{.lr = 0.01, .decay = 0.1};
    for (std::uint64_t step = 1; step <= 3; ++step) {
      row.update(rate, step, whole.piece(true));
      row.update(rate, step, cut.piece(true).part(0, 7));
      row.update(rate, step, cut.piece(true).part(7, 293));
    }
    EXPECT_EQ(whole.w, cut.w) << row.name;
  }
}

TEST(Rule, MomentumOfSgdAddsUp) {
  Numbers n(rule("sgd"));
  const std::vector<float> before = n.w;
  const std::vector<double> own = rule_values("sgd:momentum=0.5");
  const Rate rate{.lr = 0.1, .own = own};
  rule("sgd").update(rate, 1, n.piece());
  rule("sgd").update(rate, 2, n.piece());
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_NEAR(n.w[i], before[i] - 0.1 * n.g[i] * (1 + 1.5), 1e-6);
  }
}

/// A noise of a kind, with its defaults.
model::NoiseUse use_of(const char* kind) {
  const model::NoiseKind& row = model::noise_kind(kind);
  model::NoiseUse use{.kind = &row};
  for (const Parameter& p : row.parameters) use.values.push_back(p.value);
  return use;
}

TEST(Fused, HasTheBitsOfTheGenericWay) {
  const FusedUpdate update = fused_update("adam", use_of("svdo"));
  ASSERT_NE(update, nullptr);
  EXPECT_EQ(fused_update("sgd", use_of("svdo")), nullptr);
  EXPECT_EQ(fused_update("novograd", use_of("svdo")), nullptr);
  EXPECT_EQ(fused_update("adam", use_of("multiply")), nullptr);
  model::NoiseUse exact = use_of("svdo");
  exact.values[2] = 1;  // kl=exact
  EXPECT_EQ(fused_update("adam", exact), nullptr);
  const Rule& adam = rule("adam");
  constexpr std::size_t kN = 40;
  Numbers w(adam, kN), own(adam, kN), w2(adam, kN), own2(adam, kN);
  std::vector<float> d(kN, 0.3f), prepared(kN), prepared2(kN);
  kernel::svdo_variance(kN, own.w.data(), prepared.data());
  prepared2 = prepared;
  const Rate rate{.lr = 0.01, .decay = 0.1};
  for (std::uint64_t step = 1; step <= 3; ++step) {
    update(rate, step,
           {.w = w.piece(true),
            .own = own.piece(),
            .d_prepared = d.data(),
            .prepared = prepared.data(),
            .penalty_weight = 0.02});
    std::vector<float> dw = w2.g, dls(kN);
    kernel::svdo_gradient(kN, w2.w.data(), own2.w.data(), prepared2.data(), d.data(), 0.02,
                          dw.data(), dls.data());
    Piece a = w2.piece(true), b = own2.piece();
    a.g = dw.data();
    b.g = dls.data();
    adam.update(rate, step, a);
    adam.update(rate, step, b);
    kernel::svdo_variance(kN, own2.w.data(), prepared2.data());
  }
  EXPECT_EQ(w.w, w2.w);
  EXPECT_EQ(own.w, own2.w);
  EXPECT_EQ(prepared, prepared2);
}

TEST(Fused, APieceMayBeCut) {
  const FusedUpdate update = fused_update("adam", use_of("svdo"));
  const Rule& adam = rule("adam");
  constexpr std::size_t kN = 40;
  struct Way {
    explicit Way(const Rule& rule) : w(rule, kN), own(rule, kN), d(kN), prepared(kN) {
      for (std::size_t i = 0; i < kN; ++i) d[i] = 0.01f * static_cast<float>(i);
      kernel::svdo_variance(kN, own.w.data(), prepared.data());
    }
    NoisyPiece piece() {
      return {.w = w.piece(true),
              .own = own.piece(),
              .d_prepared = d.data(),
              .prepared = prepared.data(),
              .penalty_weight = 0.02};
    }
    Numbers w, own;
    std::vector<float> d, prepared;
  } whole(adam), cut(adam);
  const Rate rate{.lr = 0.01, .decay = 0.1};
  for (std::uint64_t step = 1; step <= 3; ++step) {
    update(rate, step, whole.piece());
    update(rate, step, cut.piece().part(0, 7));
    update(rate, step, cut.piece().part(7, kN - 7));
  }
  EXPECT_EQ(whole.w.w, cut.w.w);
  EXPECT_EQ(whole.own.w, cut.own.w);
  EXPECT_EQ(whole.prepared, cut.prepared);
}

}  // namespace
}  // namespace scalemix::optim
