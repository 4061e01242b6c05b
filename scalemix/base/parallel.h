// The one parallel loop of the project. Work is cut into fixed tiles that do not depend on the
// number of threads, so a result that combines its parts in tile order does not either.
//
//   parallel_tiles(tiles, [&](std::size_t tile) { ... });
//
// The pool is OpenMP's, which oneDNN, OpenBLAS and LibTorch share. The thread sanitizer's build
// (SCALEMIX_PARALLEL_STD_THREAD) puts std::thread behind the same function. An exception in a tile
// is rethrown by the caller: the one of the lowest tile that threw. A call from inside a tile runs
// serially. A tile goes to whichever thread is free, so that one that another process has pushed
// aside does not hold up the rest; where that is not enough, loops leave the other threads out for a
// while. base/waiting.h has more on that.
#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>

namespace scalemix::inline v0 {

/// Number of threads the next parallel_tiles uses; at least 1. Starts as OMP_NUM_THREADS or, without
/// it, usable_cores() of base/cores.h.
int threads();

/// Those that a loop which begins here would use: threads(), but 1 inside a tile.
int free_threads();

/// Sets the number of threads for the calling process, oneDNN's products included. It stays 1 in a child
/// that a process with threads forked. Throws std::domain_error if n < 1.
void set_threads(int n);

/// While one is alive the calling thread works alone, oneDNN's products included, as it would
/// inside a tile.
class SerialScope {
 public:
  SerialScope() : before_(threads()) { set_threads(1); }
  ~SerialScope() { set_threads(before_); }
  SerialScope(const SerialScope&) = delete;
  SerialScope& operator=(const SerialScope&) = delete;

 private:
  int before_;
};

namespace detail {
void parallel_tiles(std::size_t tiles, void (*call)(void*, std::size_t), void* body);
}

/// Runs body(0) ... body(tiles - 1), each once, on up to threads() threads. Allocates nothing.
template <class Body>
void parallel_tiles(std::size_t tiles, Body&& body) {
  if (tiles == 1) return body(std::size_t{0});
  using B = std::remove_reference_t<Body>;
  detail::parallel_tiles(
      tiles, [](void* b, std::size_t tile) { (*static_cast<B*>(b))(tile); },
      const_cast<void*>(static_cast<const void*>(std::addressof(body))));
}

}  // namespace scalemix::inline v0
