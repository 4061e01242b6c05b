// How much one input may ask for. A few bytes of a spec, a header or an archive can claim gigabytes or
// hours; readers hold every such number against what the file itself holds and against these limits, before
// anything is made of it. This table is the one place that knows them.
//
// Each has an environment variable that sets another value: SCALEMIX_MAX_UNPACKED=2G.
// docs/guide/limits.md is for users.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

enum class Limit { input, stream, unpacked, numbers, weights, layers, work, generated, replicas };

struct LimitRow {
  const char* variable;  // of the environment
  std::uint64_t value;   // default
  const char* unit;      // "bytes"
  const char* of;        // what is counted
};

inline constexpr std::uint64_t kKi = 1024, kMi = kKi * kKi, kGi = kKi * kMi;

/// In the order of Limit.
inline constexpr std::array<LimitRow, 9> kLimits{{
    {"SCALEMIX_MAX_INPUT", 8 * kGi, "bytes", "a file, as it is or unpacked"},
    {"SCALEMIX_MAX_STREAM", kGi, "bytes",
     "a pipe or standard input, whose end is not known before"},
    {"SCALEMIX_MAX_UNPACKED", 32 * kMi, "bytes",
     "what a packed file becomes; or 32 times its own bytes, where that is more"},
    {"SCALEMIX_MAX_NUMBERS", 16 * kMi, "numbers", "a row of data in front of or behind any layer"},
    {"SCALEMIX_MAX_WEIGHTS", 256 * kMi, "numbers", "all tensors of a network"},
    {"SCALEMIX_MAX_LAYERS", 32 * kKi, "layers", "a network, those inside residual blocks too"},
    {"SCALEMIX_MAX_WORK", 64 * kGi, "multiplications", "a network on one row"},
    {"SCALEMIX_MAX_GENERATED", 256 * kMi, "numbers", "what a generator makes"},
    {"SCALEMIX_MAX_REPLICAS", 4 * kKi, "replicas", "one training run"},
}};

/// An unpacked byte for each of 32 packed ones needs no leave.
inline constexpr std::uint64_t kUnpackedPerByte = 32;
/// A pool's or an activation's step takes about as long as this many multiplications of a product.
inline constexpr std::uint64_t kWorkPerStep = 64;

// What no variable raises: more than any format in use has.
inline constexpr std::size_t kMostAxes = 32;                    // of an array
inline constexpr std::size_t kMostJsonDepth = 256;              // brackets in each other
inline constexpr std::size_t kMostMessage = 2000;               // bytes of an error
inline constexpr std::size_t kMostListed = 64;                  // names or axes in an error
inline constexpr std::size_t kMostSide = std::size_t{1} << 20;  // of a window, its step, its margin
inline constexpr double kPipeSeconds = 2;  // that a pipe which nothing writes to is waited for

/// The value in force. Throws ConfigError naming a variable that is no whole number from 1, or one followed
/// by K, M, G or T (powers of 1024).
std::uint64_t limit(Limit which);

/// "more than 16777216 numbers; SCALEMIX_MAX_NUMBERS allows more": the end of a refusal.
std::string beyond(Limit which);

/// Throws std::invalid_argument "what asks for N numbers, more than M; ..." if `asked` is above the limit.
void check_limit(Limit which, std::string_view what, std::uint64_t asked);

/// a b, or the largest number where that is larger still.
constexpr std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}
/// a + b, likewise.
constexpr std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/// Bytes that `packed` bytes may become.
std::uint64_t most_unpacked(std::uint64_t packed);

}  // namespace scalemix::inline v0
