// Writing a file so that a reader, a crash or a full disk never meets half of it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

/// Makes `bytes` the content of `path`. Every output of the toolkit is written by this function:
///
///   nothing there, a file   replaced as a whole: written to a temporary file beside it, flushed to
///                           disk, renamed over it, and the folder flushed. Permissions stay (and
///                           owner and group, where the system allows that); another hard link
///                           keeps the old content. A file whose folder takes no new file, or that
///                           is a mount point, is written in place.
///   a symbolic link         stays; its target is written by these rules
///   a device, a pipe        is written to; /dev/stdout and /dev/fd/N are open descriptors
///   a folder                FileError
///
/// On failure a file is as it was, the temporary is gone, and FileError says why (no such folder, no
/// permission, disk full).
void write_atomically(const std::string& path, std::span<const std::byte> bytes);
void write_atomically(const std::string& path, std::string_view text);

/// Whether a file's name is that of a temporary that a killed write_atomically() left.
bool is_left_temporary(std::string_view name);

/// Flushes the file, renames it over `to` and flushes the folder. Throws FileError; `from` is then
/// left.
void rename_durably(const std::string& from, const std::string& to);

}  // namespace scalemix::inline v0
