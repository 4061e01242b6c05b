// The zip half of npy.h. Format: PKWARE's APPNOTE 6.3, without encryption and without its 64-bit
// form.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/npy.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22;
constexpr std::string_view kLocal = "PK\x03\x04", kCentral = "PK\x01\x02", kEnd = "PK\x05\x06";

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw DataError(name, 0, 0, "NumPy archive: " + what);
}

/// Bounds-checked reading of a zip archive.
class Zip {
 public:
  Zip(std::string_view bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  std::uint64_t number(std::size_t at, std::size_t size) const {
    return little_endian(piece(at, size), 0, size);
  }
  std::string_view piece(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || size > bytes_.size() - at) damaged(name_, "it ends too early");
    return bytes_.substr(at, size);
  }
  void expect(std::size_t at, std::string_view magic) const {
    if (piece(at, magic.size()) != magic) damaged(name_, "a header is not where it should be");
  }

  std::size_t end_record() const {
    const std::size_t at = bytes_.rfind(kEnd);
    if (at == std::string_view::npos) damaged(name_, "no zip archive, or truncated");
    piece(at, kEndSize);
    return at;
  }

  /// Unpacked bytes of the member whose central header is at `central`.
  std::string member(std::size_t central) const {
    const std::uint64_t method = number(central + 10, 2), packed_size = number(central + 20, 4);
    const std::uint64_t size = number(central + 24, 4), local = number(central + 42, 4);
    if (number(central + 8, 2) & 1) damaged(name_, "it is encrypted");
    if (packed_size == 0xffffffff || size == 0xffffffff)
      damaged(name_, "members of 4 GiB and more are not supported");
    expect(local, kLocal);
    const std::size_t begin = local + kLocalSize + number(local + 26, 2) + number(local + 28, 2);
    const std::string_view packed = piece(begin, packed_size);
    if (method != 0 && method != 8)
      damaged(name_, fmt::format("unknown compression method {}", method));
    std::string plain = method == 8 ? inflate_raw(packed, size, name_) : std::string(packed);
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(plain.data()), plain.size());
    if (sum != number(central + 16, 4)) damaged(name_, "a member's checksum is wrong");
    return plain;
  }

 private:
  std::string_view bytes_;
  const std::string& name_;
};

void put(std::string& out, std::uint64_t value, std::size_t size) {
  for (std::size_t b = 0; b < size; ++b) out += static_cast<char>(value >> (8 * b) & 255);
}

/// The fields that local and central headers share, from "version needed" to the name's length.
std::string shared_fields(std::string_view content, std::size_t name_size) {
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(content.data()), content.size());
  std::string out;
  put(out, 20, 2);      // version needed
  put(out, 0, 2);       // flags
  put(out, 0, 2);       // stored
  put(out, 0, 2);       // time
  put(out, 0x0021, 2);  // 1 January 1980
  put(out, sum, 4);
  put(out, content.size(), 4);
  put(out, content.size(), 4);
  put(out, name_size, 2);
  return out;
}

/// The arrays of an archive by name, and where their central headers stand.
std::map<std::string, std::size_t> directory_of(const Zip& zip) {
  std::map<std::string, std::size_t> members;
  const std::size_t end = zip.end_record();
  std::size_t at = zip.number(end + 16, 4);
  for (std::uint64_t left = zip.number(end + 10, 2); left > 0; --left) {
    zip.expect(at, kCentral);
    const std::size_t name_size = zip.number(at + 28, 2);
    std::string member(zip.piece(at + kCentralSize, name_size));
    if (member.ends_with(".npy")) {
      member.resize(member.size() - 4);
      members.emplace(member, at);
    }
    at += kCentralSize + name_size + zip.number(at + 30, 2) + zip.number(at + 32, 2);
  }
  return members;
}

std::string place_of(const std::string& name, const std::string& member) {
  return name + "[" + member + ".npy]";
}

/// The first of these names that the archive has; empty if it has none.
std::string first_of(const std::map<std::string, std::size_t>& members,
                     std::initializer_list<const char*> names) {
  for (const char* name : names) {
    if (members.count(name)) return name;
  }
  return "";
}

}  // namespace

std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& name) {
  const Zip zip(bytes, name);
  std::map<std::string, Array> arrays;
  for (const auto& [member, at] : directory_of(zip)) {
    arrays.emplace(member, parse_npy(zip.member(at), place_of(name, member)));
  }
  return arrays;
}

std::string format_npz(const std::map<std::string, Array>& arrays) {
  std::string out, directory;
  for (const auto& [key, array] : arrays) {
    const std::string name = key + ".npy", content = format_npy(array);
    if (out.size() + content.size() >= 0xffffffff) {
      throw DataError(name, 0, 0, "archives of 4 GiB and more are not supported");
    }
    const std::string shared = shared_fields(content, name.size());
    directory += kCentral;
    put(directory, 20, 2);  // version made by
    directory += shared;
    put(directory, 0, 2 + 2 + 2 + 2);  // extra, comment, disk, internal attributes
    put(directory, 0, 4);              // external attributes
    put(directory, out.size(), 4);
    directory += name;
    out += kLocal;
    out += shared;
    put(out, 0, 2);  // extra
    out += name;
    out += content;
  }
  const std::size_t start = out.size();
  out += directory;
  out += kEnd;
  put(out, 0, 4);  // disks
  put(out, arrays.size(), 2);
  put(out, arrays.size(), 2);
  put(out, directory.size(), 4);
  put(out, start, 4);
  put(out, 0, 2);  // comment
  return out;
}

Arrays arrays_of_npz(std::string_view bytes, const std::string& name) {
  const Zip zip(bytes, name);
  const auto members = directory_of(zip);
  const std::string x = first_of(members, {"x", "X", "data"});
  const std::string y = first_of(members, {"y", "target", "labels"});
  if (x.empty()) {
    std::vector<std::string> keys;
    for (const auto& [key, at] : members) keys.push_back(key);
    throw DataError(name, 0, 0,
                    fmt::format("expected an array x (or X, data), got {}", fmt::join(keys, ", ")));
  }
  Arrays out;
  out.file = name;
  out.x = parse_npy(zip.member(members.at(x)), place_of(name, x));
  if (y.empty()) return out;
  const std::string answers = zip.member(members.at(y));
  out.texts = parse_npy_texts(answers, place_of(name, y));
  if (out.texts.empty()) {
    out.y = parse_npy(answers, place_of(name, y));
  } else if (out.texts.size() != out.x.rows()) {
    throw DataError(
        name, 0, 0,
        fmt::format("expected {} answers, one per row, got {}", out.x.rows(), out.texts.size()));
  }
  return out;
}

}  // namespace scalemix::inline v0::data
