// The version of the library; the same number as in the build file, which a test compares.
#pragma once

namespace scalemix::inline v0 {

inline constexpr const char* kVersion = "0.1.0";

}  // namespace scalemix::inline v0
