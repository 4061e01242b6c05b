// SHA-256 (NIST FIPS 180-4, section 6.2): the checksum of downloaded files and of model files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

/// A digest that is fed piece by piece; how the bytes are cut does not matter.
class Sha256 {
 public:
  void update(const void* data, std::size_t size);

  /// The digest of all bytes so far, as 64 lower-case hexadecimal digits. More may follow.
  std::string hex() const;

 private:
  void compress(const std::uint8_t* block);

  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> pending_{};
  std::uint64_t size_ = 0;  // bytes so far
};

std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

/// The digest of a file. Throws FileError if it cannot be read.
std::string sha256_file(const std::string& path);

}  // namespace scalemix::inline v0
