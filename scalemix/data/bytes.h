// Whole files in memory, unpacked if they are gzip.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace scalemix::inline v0::data {

/// All bytes of a file, or of standard input for "-"; gzip (seen by its first bytes) is unpacked.
/// Throws FileError (missing, a device, unreadable) or DataError (a folder; truncated or damaged gzip; more
/// bytes than base/limits.h allows).
std::string read_bytes(const std::string& path);

/// Unpacks gzip, several members included, and zeros behind them left out; `name` is for errors.
std::string gunzip(std::string_view packed, const std::string& name);

/// Packs as gzip.
std::string gzip(std::string_view plain);

/// Unpacks a raw deflate stream of known size (a zip member), which the caller has held against the limits.
/// Throws DataError unless it has exactly `size` bytes.
std::string inflate_raw(std::string_view packed, std::size_t size, const std::string& name);

/// The last part of a path.
std::string file_name(const std::string& path);

/// The ending after the last dot in lower case, a final ".gz" set aside: "csv" for "a/b.CSV.gz".
std::string ending(const std::string& path);

/// Unsigned integer of `size` <= 8 bytes at `at`; Requires: the bytes are there.
std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size);
std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size);

}  // namespace scalemix::inline v0::data
