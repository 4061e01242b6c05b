// Fetching a file over the network so that a half or wrong file never stands under its final name.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace scalemix::inline v0::data {

/// Called during a transfer with the file, the bytes so far and the bytes in all (0: not known
/// yet).
using Progress =
    std::function<void(const std::string& file, std::uint64_t done, std::uint64_t total)>;

/// Fetches the first of `urls` that works into `destination`, through `destination`.part: a part
/// left by an interrupted transfer is continued (HTTP Range), the whole is checked against `sha256`
/// (64 hexadecimal digits), flushed to disk and renamed. Folders are made as needed.
///
/// `size` is how many bytes the file has: a transfer that brings more ends there.
///
/// Throws DataError if there are more bytes or the digest differs (the part is deleted), FileError if every transfer or the
/// write failed (the part is kept, so that another call continues), std::invalid_argument without
/// urls or with a digest that is not 64 digits.
void download(const std::vector<std::string>& urls, const std::string& sha256, std::uint64_t size,
              const std::string& destination, const Progress& progress = {});

}  // namespace scalemix::inline v0::data
