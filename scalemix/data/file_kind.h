// What the bytes of a file are, seen from the bytes themselves; a name's ending decides only where
// they leave it open, a folder's name never.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace scalemix::inline v0::data {

enum class FileKind { table, npy, npz, idx, cifar };

/// The kind of a file of this name and these bytes (unpacked). Throws DataError for a name that
/// ends in .npy or .npz and bytes that are neither.
FileKind kind_of(std::string_view bytes, const std::string& name);

/// What bytes that are no text table are, and what to do: "a workbook of a spreadsheet program; save
/// it as CSV". Empty if it is not known.
std::string name_of_bytes(std::string_view bytes);
/// The same of text that is no table: a web page, JSON, a pointer of Git LFS.
std::string name_of_text(std::string_view text);

/// Appends one character; Requires: below 0x110000.
void append_utf8(std::uint32_t c, std::string& out);

/// UTF-16 with a byte order mark, or plainly in it without one, as UTF-8; other bytes as they are.
/// Throws DataError where a pair of surrogates is broken.
std::string to_utf8(std::string&& bytes, const std::string& name);

}  // namespace scalemix::inline v0::data
