#include "scalemix/engine/memory.h"

#include <gtest/gtest.h>

#include "scalemix/random/stream.h"

namespace scalemix::engine {
namespace {

TEST(Memory, ThingsThatLiveAtDifferentTimesShareAPlace) {
  const Placement p = place({{100, 0, 3}, {100, 4, 6}, {50, 7, 9}});
  EXPECT_EQ(p.at[0], p.at[1]);
  EXPECT_EQ(p.at[1], p.at[2]);
  EXPECT_EQ(p.floats, 112u);
}

TEST(Memory, ThingsThatMeetDoNot) {
  const Placement p = place({{16, 0, 3}, {16, 3, 6}});
  EXPECT_NE(p.at[0], p.at[1]);
  EXPECT_EQ(p.floats, 32u);
}

TEST(Memory, NothingTakesNothing) {
  EXPECT_EQ(place({}).floats, 0u);
  EXPECT_EQ(place({{0, 0, 9}}).floats, 0u);
}

TEST(Memory, NoTwoThatLiveAtOnceOverlapAndAllIsAligned) {
  const Stream stream{.seed = 5};
  std::uint64_t i = 0;
  const auto below = [&](double n) { return static_cast<std::size_t>(n * stream.uniform(i++)); };
  std::vector<Lifetime> lives;
  std::size_t sum = 0;
  for (int k = 0; k < 200; ++k) {
    const std::size_t from = below(100);
    lives.push_back({below(300), from, from + below(20)});
    sum += lives.back().floats;
  }
  const Placement p = place(lives);
  for (std::size_t a = 0; a < lives.size(); ++a) {
    EXPECT_EQ(p.at[a] % 16, 0u);
    EXPECT_LE(p.at[a] + lives[a].floats, p.floats);
    for (std::size_t b = 0; b < a; ++b) {
      const bool meet = lives[a].from <= lives[b].to && lives[b].from <= lives[a].to;
      const bool apart = p.at[a] + lives[a].floats <= p.at[b] ||
                         p.at[b] + lives[b].floats <= p.at[a] || lives[a].floats == 0 ||
                         lives[b].floats == 0;
      EXPECT_TRUE(apart || !meet) << a << " " << b;
    }
  }
  EXPECT_LT(2 * p.floats, sum);
}

}  // namespace
}  // namespace scalemix::engine
