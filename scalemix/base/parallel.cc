#include "scalemix/base/parallel.h"

#include <atomic>
#include <exception>
#include <limits>
#include <mutex>

#include "scalemix/base/check.h"

#ifdef SCALEMIX_PARALLEL_STD_THREAD
#include <thread>
#include <vector>
#else
#include <omp.h>

#include <dirent.h>
#include <pthread.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include "scalemix/base/cores.h"
#endif

namespace scalemix::inline v0 {
namespace {

/// Keeps the exception of the lowest tile that threw.
class FirstError {
 public:
  void keep(std::size_t tile) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (tile < tile_) {
      tile_ = tile;
      error_ = std::current_exception();
    }
  }
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::mutex mutex_;
  std::size_t tile_ = std::numeric_limits<std::size_t>::max();
  std::exception_ptr error_;
};

}  // namespace

#ifdef SCALEMIX_PARALLEL_STD_THREAD

namespace {
std::atomic<int> thread_count{2};
thread_local bool inside_tile = false;
}  // namespace

int threads() { return thread_count; }
int free_threads() { return inside_tile ? 1 : threads(); }

void set_threads(int n) {
  if (n < 1) fail<std::domain_error>("threads", "must be at least 1", n);
  thread_count = n;
}

namespace detail {
void parallel_tiles(std::size_t tiles, void (*call)(void*, std::size_t), void* body) {
  FirstError first;
  std::atomic<std::size_t> next{0};
  const bool nested = inside_tile;
  const auto work = [&] {
    const bool outer = inside_tile;
    inside_tile = true;
    for (std::size_t tile; (tile = next++) < tiles;) {
      try {
        call(body, tile);
      } catch (...) {
        first.keep(tile);
      }
    }
    inside_tile = outer;
  };
  std::vector<std::thread> pool;
  for (int i = 1; !nested && i < thread_count; ++i) pool.emplace_back(work);
  work();
  for (std::thread& t : pool) t.join();
  first.rethrow();
}
}  // namespace detail

#else

namespace {

// The child of a fork has the one thread that forked, while OpenMP's runtime still counts on its pool: a
// team there would wait for threads that do not exist. So that a child works alone where there was a pool.
std::atomic<bool> alone{false};
bool threads_before_fork = false;

/// Whether this process has more than one thread; true where the system does not say.
bool has_threads() {
  DIR* folder = ::opendir("/proc/self/task");
  if (!folder) return true;
  int count = 0;
  while (const dirent* entry = ::readdir(folder)) count += entry->d_name[0] != '.';
  ::closedir(folder);
  return count > 1;
}

void before_fork() { threads_before_fork = has_threads(); }
void in_child() {
  if (!threads_before_fork) return;
  alone = true;
  omp_set_num_threads(1);
}

[[maybe_unused]] const bool forks_are_watched =
    (::pthread_atfork(before_fork, nullptr, in_child), true);

/// Once per thread: the cores of its cgroup count, where OMP_NUM_THREADS has not said more, and a
/// team has always as many threads as were asked for.
void prepare_thread() {
  thread_local bool prepared = false;
  if (prepared) return;
  prepared = true;
  omp_set_dynamic(0);
  if (!std::getenv("OMP_NUM_THREADS")) {
    omp_set_num_threads(std::min(omp_get_max_threads(), usable_cores()));
  }
  if (alone) omp_set_num_threads(1);
}

/// The first thread may call oneDNN before it calls anything here.
[[maybe_unused]] const bool first_thread_is_prepared = (prepare_thread(), true);

/// The tiles, in as many consecutive shares as there are threads. A thread takes those of its own
/// share, so that it meets the same memory in loop after loop, then what is left of the others'.
class Shares {
 public:
  Shares(std::size_t tiles, std::size_t count) : count_(std::min(count, kMost)) {
    for (std::size_t i = 0; i < count_; ++i) {
      shares_[i].next.store(tiles * i / count_, std::memory_order_relaxed);
      shares_[i].end = tiles * (i + 1) / count_;
    }
  }

  template <class Run>
  void work(std::size_t thread, Run&& run) {
    for (std::size_t i = 0; i < count_; ++i) {
      Share& share = shares_[(thread + i) % count_];
      for (std::size_t tile;
           (tile = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;) {
        run(tile);
      }
    }
  }

 private:
  static constexpr std::size_t kMost = 64;
  struct alignas(64) Share {  // a line of the cache each
    std::atomic<std::size_t> next;
    std::size_t end;
  };
  std::size_t count_;
  std::array<Share, kMost> shares_;
};

/// Whether a team is faster than its first thread alone would be. Where another process takes a core,
/// the thread that is pushed aside holds up the whole team: then loops run on the calling thread alone
/// for a while, after which a team is tried again. No bit depends on it, since tiles do not.
class TeamWatch {
 public:
  using Clock = std::chrono::steady_clock;

  bool team(Clock::time_point now) const { return now >= alone_until_; }
  /// Of a team of `threads`: when it began, when the calling thread had done its `mine` of the
  /// `tiles`, when all were done.
  void add(Clock::time_point began, Clock::time_point done, Clock::time_point ended,
           std::int64_t mine, std::int64_t tiles, int threads) {
    const Clock::duration took = ended - began, most = took * threads;
    spent_ += took;
    alone_ += mine > 0 ? std::min((done - began) * tiles / mine, most) : took;
    if (spent_ < kWindow) return;
    if (spent_ > alone_) alone_until_ = ended + kAlone;
    spent_ = alone_ = {};
  }

 private:
  // A few time slices of the scheduler; a trial costs about a tenth of what lies between two.
  static constexpr std::chrono::milliseconds kWindow{5}, kAlone{50};

  Clock::time_point alone_until_{};
  Clock::duration spent_{}, alone_{};  // what teams took; what the calling thread would have taken
};

}  // namespace

int threads() {
  prepare_thread();
  return omp_get_max_threads();
}

int free_threads() { return omp_in_parallel() ? 1 : threads(); }

void set_threads(int n) {
  if (n < 1) fail<std::domain_error>("threads", "must be at least 1", n);
  prepare_thread();
  omp_set_num_threads(alone ? 1 : n);
}

namespace detail {
void parallel_tiles(std::size_t tiles, void (*call)(void*, std::size_t), void* body) {
  FirstError first;
  const auto run = [&](std::size_t tile) {
    try {
      call(body, tile);
    } catch (...) {
      first.keep(tile);
    }
  };
  const int team = free_threads();
  if (team == 1) {
    for (std::size_t tile = 0; tile < tiles; ++tile) run(tile);
    return first.rethrow();
  }
  thread_local TeamWatch watch;
  const TeamWatch::Clock::time_point began = TeamWatch::Clock::now();
  if (!watch.team(began)) {
    const SerialScope alone;
    for (std::size_t tile = 0; tile < tiles; ++tile) run(tile);
  } else {
    Shares shares(tiles, static_cast<std::size_t>(team));
    std::int64_t mine = 0;
    TeamWatch::Clock::time_point done;
#pragma omp parallel
    {
      const auto thread = static_cast<std::size_t>(omp_get_thread_num());
      if (thread == 0) {
        shares.work(0, [&](std::size_t tile) { run(tile), ++mine; });
        done = TeamWatch::Clock::now();
      } else {
        shares.work(thread, run);
      }
    }
    watch.add(began, done, TeamWatch::Clock::now(), mine, static_cast<std::int64_t>(tiles), team);
  }
  first.rethrow();
}
}  // namespace detail

#endif

}  // namespace scalemix::inline v0
