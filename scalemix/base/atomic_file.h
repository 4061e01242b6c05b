// Writing a file so that a reader, a crash or a full disk never meets half of it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

/// Puts `bytes` into `path`, replacing what was there: written to a temporary file beside it,
/// flushed to disk, renamed over `path`, and the folder flushed. On failure `path` is as it was,
/// the temporary is gone, and FileError says why (no such folder, no permission, disk full).
void write_atomically(const std::string& path, std::span<const std::byte> bytes);
void write_atomically(const std::string& path, std::string_view text);

/// Flushes the file, renames it over `to` and flushes the folder. Throws FileError; `from` is then
/// left.
void rename_durably(const std::string& from, const std::string& to);

}  // namespace scalemix::inline v0
