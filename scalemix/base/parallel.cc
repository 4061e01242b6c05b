#include "scalemix/base/parallel.h"

#include <exception>
#include <limits>
#include <mutex>

#include "scalemix/base/check.h"

#ifdef SCALEMIX_PARALLEL_STD_THREAD
#include <atomic>
#include <thread>
#include <vector>
#else
#include <omp.h>
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

int threads() { return omp_get_max_threads(); }

void set_threads(int n) {
  if (n < 1) fail<std::domain_error>("threads", "must be at least 1", n);
  omp_set_num_threads(n);
}

namespace detail {
void parallel_tiles(std::size_t tiles, void (*call)(void*, std::size_t), void* body) {
  FirstError first;
#pragma omp parallel for schedule(static) if (!omp_in_parallel())
  for (std::size_t tile = 0; tile < tiles; ++tile) {
    try {
      call(body, tile);
    } catch (...) {
      first.keep(tile);
    }
  }
  first.rethrow();
}
}  // namespace detail

#endif

}  // namespace scalemix::inline v0
