// Whole files in memory, with an end: how much is read is known before, or bounded.
#pragma once

#include <cstddef>
#include <string>

namespace scalemix::inline v0 {

/// All bytes of a regular file, of a pipe, or of standard input for "-". A file has at most
/// SCALEMIX_MAX_INPUT bytes, everything else SCALEMIX_MAX_STREAM (base/limits.h).
///
/// Throws FileError: missing; a folder, a device or a socket; not readable, or links in a circle; a pipe
/// that nothing writes to for kPipeSeconds. Throws DataError where there is more than the limit.
std::string read_file(const std::string& path);

/// The first bytes of a file, at most `most` of them, for those who look before they read; "" of what is no
/// regular file or cannot be read, which read_file() then says.
std::string read_front(const std::string& path, std::size_t most);

}  // namespace scalemix::inline v0
