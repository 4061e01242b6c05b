// What this binary is: version, SIMD target, libraries, threads.
#pragma once

#include <iosfwd>

namespace scalemix::inline v0::cli {

int print_version(std::ostream& out, bool json);

}  // namespace scalemix::inline v0::cli
