// Tabu dropout: what was dropped is spared, and the statistics that follow (Ma et al. 2019; the
// moments are those of a two-state Markov chain).

#include <gtest/gtest.h>

#include <cmath>

#include "scalemix/model/noise.h"

namespace scalemix::model {
namespace {

constexpr std::size_t kRows = 64, kColumns = 500, kCount = kRows * kColumns;

/// The multipliers of one step after the other.
class Tabu {
 public:
  explicit Tabu(double p) : noise_(noise_of("tabu")) {
    noise_.values[0] = p;
    layer_.type = "noise";
    layer_.width = kColumns;
    layer_.noise = {noise_};
    use_ = noise_use(noise_, layer_, {kColumns});
    EXPECT_EQ(use_.kind->marks(use_, kRows), kCount + 1);
  }

  std::vector<float> step(std::size_t rows = kRows, bool writes_state = true) {
    At at{.use = use_, .train = true, .stream = {.seed = 9, .draw = step_}, .rows = rows};
    at.marks = marks_.data();
    at.writes_state = writes_state;
    if (writes_state) ++step_;
    return run(at, rows);
  }
  std::vector<float> sample(std::uint32_t draw) {
    return run({.use = use_, .stream = {.seed = 9, .draw = draw}, .rows = kRows}, kRows);
  }
  std::vector<float> back(const std::vector<float>& dy) {
    std::vector<float> dx(dy.size());
    At at{.use = use_, .train = true, .rows = kRows};
    at.kept = kept_.data();
    use_.kind->backward(at, nullptr, dy.data(), dx.data(), 0);
    return dx;
  }

 private:
  std::vector<float> run(At at, std::size_t rows) {
    std::vector<float> y(rows * kColumns, 1.0f);
    at.kept = kept_.data();
    use_.kind->forward(at, y.data(), y.data());
    return y;
  }

  Noise noise_;
  Layer layer_;
  NoiseUse use_;
  std::uint32_t step_ = 0;
  std::vector<float> marks_ = std::vector<float>(kCount + 1, 0.0f), kept_ = marks_;
};

double share_dropped(const std::vector<float>& m) {
  return double(std::count(m.begin(), m.end(), 0.0f)) / double(m.size());
}

TEST(Tabu, SparesWhatTheLastStepDropped) {
  Tabu tabu(0.7);
  std::vector<float> before = tabu.step();
  for (int t = 0; t < 5; ++t) {
    const std::vector<float> now = tabu.step();
    for (std::size_t i = 0; i < kCount; ++i) ASSERT_FALSE(before[i] == 0 && now[i] == 0) << i;
    before = now;
  }
}

TEST(Tabu, DropsTheSharesOfItsRecursionAndKeepsTheMean) {
  for (const double p : {0.2, 0.5, 0.8}) {
    Tabu tabu(p);
    double expected = p;
    for (int t = 0; t < 8; ++t) {
      const std::vector<float> m = tabu.step();
      const double error = std::sqrt(expected * (1 - expected) / double(kCount));
      EXPECT_NEAR(share_dropped(m), expected, 4 * error) << p << " " << t;
      double mean = 0;
      for (const float v : m) mean += v / double(kCount);
      EXPECT_NEAR(mean, 1, 4 * error / (1 - expected)) << p << " " << t;
      expected = p * (1 - expected);
    }
  }
}

/// Lag-1 autocorrelation of the drops is -p.
TEST(Tabu, RepelsItself) {
  Tabu tabu(0.5);
  for (int t = 0; t < 30; ++t) tabu.step();
  const std::vector<float> a = tabu.step(), b = tabu.step();
  double both = 0;
  for (std::size_t i = 0; i < kCount; ++i)
    both += (a[i] == 0 ? 2.0 / 3 : -1.0 / 3) * (b[i] == 0 ? 2.0 / 3 : -1.0 / 3);
  EXPECT_NEAR(both / double(kCount) / (2.0 / 9), -0.5, 4 / std::sqrt(double(kCount)));
}

TEST(Tabu, MarksAreWrittenByActiveStepsAloneAndAShortBatchLeavesTheOtherRows) {
  Tabu tabu(0.5), other(0.5);
  const std::vector<float> first = tabu.step();
  EXPECT_EQ(other.step(), first);
  EXPECT_EQ(tabu.step(kRows, false), tabu.step(kRows, false));
  tabu.step(4);
  const std::vector<float> third = tabu.step();
  for (std::size_t i = 4 * kColumns; i < kCount; ++i) {
    ASSERT_FALSE(first[i] == 0 && third[i] == 0) << i;  // marks of the first step still hold
  }
}

TEST(Tabu, PredictsFromItsStationaryLaw) {
  const double p = 0.5;
  Tabu tabu(p);
  const std::vector<float> m = tabu.sample(3);
  EXPECT_NEAR(share_dropped(m), p / (1 + p), 4 * std::sqrt(2.0 / 9 / double(kCount)));
  for (const float v : m) ASSERT_TRUE(v == 0 || v == 1.5f);
  EXPECT_EQ(tabu.sample(3), m);
  EXPECT_NE(tabu.sample(4), m);
}

TEST(Tabu, PassesBackWhatItKept) {
  Tabu tabu(0.5);
  tabu.step();
  const std::vector<float> m = tabu.step();
  EXPECT_EQ(tabu.back(std::vector<float>(kCount, 1.0f)), m);
}

}  // namespace
}  // namespace scalemix::model
