// A whole file in memory.
#pragma once

#include <string>

namespace scalemix::inline v0::model {

/// Throws FileError: missing, a folder, unreadable.
std::string read_file(const std::string& path);

}  // namespace scalemix::inline v0::model
