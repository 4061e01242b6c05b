#include "scalemix/base/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace scalemix {
namespace {

class ParallelTiles : public testing::TestWithParam<int> {
 protected:
  ParallelTiles() : before_(threads()) { set_threads(GetParam()); }
  ~ParallelTiles() override { set_threads(before_); }

 private:
  int before_;
};

TEST_P(ParallelTiles, RunsEachTileOnce) {
  for (const std::size_t tiles : {0, 1, 2, 3, 7, 64, 1000}) {
    std::vector<std::atomic<int>> seen(tiles);
    parallel_tiles(tiles, [&](std::size_t tile) { ++seen[tile]; });
    for (std::size_t tile = 0; tile < tiles; ++tile) EXPECT_EQ(seen[tile], 1) << tile;
  }
}

TEST_P(ParallelTiles, ThrowsWhatTheLowestTileThrewAfterAllHaveRun) {
  std::atomic<int> ran{0};
  try {
    parallel_tiles(50, [&](std::size_t tile) {
      ++ran;
      if (tile % 10 == 7) throw std::runtime_error(std::to_string(tile));
    });
    FAIL() << "lost an exception";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "7");
  }
  EXPECT_EQ(ran, 50);
}

TEST_P(ParallelTiles, InsideATileRunSerially) {
  std::atomic<int> elsewhere{0}, ran{0};
  parallel_tiles(8, [&](std::size_t) {
    const std::thread::id here = std::this_thread::get_id();
    parallel_tiles(8, [&](std::size_t) {
      ++ran;
      elsewhere += std::this_thread::get_id() != here;
    });
  });
  EXPECT_EQ(ran, 64);
  EXPECT_EQ(elsewhere, 0);
}

TEST_P(ParallelTiles, UsesAtMostSoManyThreads) {
  std::vector<std::thread::id> ids(1000);
  parallel_tiles(ids.size(), [&](std::size_t tile) { ids[tile] = std::this_thread::get_id(); });
  std::sort(ids.begin(), ids.end());
  const auto last = std::unique(ids.begin(), ids.end());
  EXPECT_LE(last - ids.begin(), GetParam());
}

// 100 threads share 64 shares of the tiles.
INSTANTIATE_TEST_SUITE_P(Threads, ParallelTiles, testing::Values(1, 2, 3, 100),
                         testing::PrintToStringParamName());

TEST(ParallelTilesOfTwoThreads, AreNotBoundToAThreadThatIsHeldUp) {
  const int before = threads();
  set_threads(2);
  // The first tile waits for all others, those of its own share, too.
  constexpr std::size_t kTiles = 100;
  std::atomic<std::size_t> done{0};
  parallel_tiles(kTiles, [&](std::size_t tile) {
    if (tile == 0) {
      while (done < kTiles - 1) std::this_thread::yield();
    }
    ++done;
  });
  set_threads(before);
  EXPECT_EQ(done, kTiles);
}

TEST(Threads, MustBeAtLeastOne) { EXPECT_THROW(set_threads(0), std::domain_error); }

TEST(SerialScope, WorksAloneAndRestoresTheNumber) {
  const int before = threads();
  {
    const SerialScope alone;
    EXPECT_EQ(threads(), 1);
  }
  EXPECT_EQ(threads(), before);
}

TEST_P(ParallelTiles, ALoopInsideATileIsAlone) {
  EXPECT_EQ(free_threads(), threads());
  std::atomic<int> wrong{0};
  parallel_tiles(8, [&](std::size_t) { wrong += free_threads() != 1; });
  EXPECT_EQ(wrong, threads() == 1 ? 8 * (free_threads() != 1) : 0);
}

#ifndef SCALEMIX_PARALLEL_STD_THREAD
/// How many of some tiles ran on another thread than the caller's, where each takes some time.
int elsewhere(std::size_t tiles, std::chrono::microseconds here, std::chrono::microseconds there) {
  const std::thread::id mine = std::this_thread::get_id();
  std::atomic<int> others{0};
  parallel_tiles(tiles, [&](std::size_t) {
    const bool other = std::this_thread::get_id() != mine;
    others += other;
    std::this_thread::sleep_for(other ? there : here);
  });
  return others;
}

// A thread of the team that sleeps stands for one that another process has pushed aside.
using namespace std::chrono_literals;

TEST(ParallelTeam, IsLeftOutForAWhileWhereItIsHeldUp) {
  const int before = threads();
  set_threads(2);
  int tries = 0;
  while (elsewhere(2, 1ms, 30ms) == 0 && tries < 100) ++tries;
  ASSERT_LT(tries, 100) << "no tile ran on another thread";
  int alone = 0;
  for (int i = 0; i < 5; ++i) alone += elsewhere(4, 1ms, 1ms) == 0;
  EXPECT_EQ(alone, 5);
  for (tries = 0; elsewhere(4, 1ms, 1ms) == 0 && tries < 1000;) ++tries;
  EXPECT_LT(tries, 1000) << "the team did not come back";
  set_threads(before);
}
#endif

}  // namespace
}  // namespace scalemix
