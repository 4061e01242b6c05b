// Which SIMD instruction set the kernels run on. Each kernel is compiled once per target; the
// fastest one this CPU has is taken, unless SCALEMIX_TARGET or force_target names another: avx3,
// avx2, sse4, ssse3, neon, emu128, scalar (which of them exist depends on the compiler and the
// CPU). Noise is the same bits on all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0::kernel {

/// Reads SCALEMIX_TARGET, the first time it is called. Every kernel's entry point calls it. Throws
/// ConfigError for a name that this machine does not have, saying which it has.
void init_target();

/// The target in force, in lower case.
std::string active_target();

/// The targets that are compiled in and that this CPU has, the fastest first.
std::vector<std::string> available_targets();

/// Takes one target for the whole process from now on; an empty name gives the fastest back. Throws
/// as above. Not to be called while a kernel runs.
void force_target(std::string_view name);

}  // namespace scalemix::inline v0::kernel
