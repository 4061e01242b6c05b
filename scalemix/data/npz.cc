// The zip half of npy.h. Format: PKWARE's APPNOTE 6.3, without encryption and without its 64-bit
// form.

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/name_list.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/npy.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22;
constexpr std::string_view kLocal = "PK\x03\x04", kCentral = "PK\x01\x02", kEnd = "PK\x05\x06";

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw DataError(name, 0, 0, "NumPy archive: " + what);
}

struct Member {
  std::string name;
  std::string_view packed;
  std::uint64_t method = 0, size = 0, sum = 0;
  std::size_t next = 0;  // where the next central header is
};

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

  /// A member as its central header at `central` has it.
  Member member(std::size_t central) const {
    Member out;
    out.name = piece(central + kCentralSize, number(central + 28, 2));
    out.next = central + kCentralSize + out.name.size() + number(central + 30, 2) +
               number(central + 32, 2);
    out.method = number(central + 10, 2);
    out.sum = number(central + 16, 4);
    out.size = number(central + 24, 4);
    const std::uint64_t packed = number(central + 20, 4), local = number(central + 42, 4);
    if (number(central + 8, 2) & 1) damaged(name_, "it is encrypted");
    if (packed == 0xffffffff || out.size == 0xffffffff)
      damaged(name_, "members of 4 GiB and more are not supported");
    expect(local, kLocal);
    out.packed = piece(local + kLocalSize + number(local + 26, 2) + number(local + 28, 2), packed);
    return out;
  }

  /// Its bytes. Requires: their number is held against the limits.
  std::string unpacked(const Member& member) const {
    if (member.method != 0 && member.method != 8)
      damaged(name_, fmt::format("unknown compression method {}", member.method));
    std::string plain = member.method == 8 ? inflate_raw(member.packed, member.size, name_)
                                           : std::string(member.packed);
    const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(plain.data()), plain.size());
    if (sum != member.sum) damaged(name_, "a member's checksum is wrong");
    return plain;
  }

  /// All members. No two share a name or bytes, and together they are not too large.
  std::vector<Member> members(const std::vector<std::string>& wanted) const {
    const std::size_t end = end_record();
    std::vector<Member> out;
    std::set<std::string> names;
    std::size_t at = number(end + 16, 4);
    std::uint64_t unpacked = 0;
    for (std::uint64_t left = number(end + 10, 2); left > 0; --left) {
      expect(at, kCentral);
      Member one = member(at);
      at = one.next;
      if (!one.name.ends_with(".npy")) continue;
      one.name.resize(one.name.size() - 4);
      if (!names.insert(one.name).second) damaged(name_, "two members are called " + one.name);
      const bool kept =
          wanted.empty() || std::find(wanted.begin(), wanted.end(), one.name) != wanted.end();
      if (kept) unpacked += one.size;
      out.push_back(std::move(one));
    }
    check_apart(out);
    if (const std::uint64_t most = most_unpacked(bytes_.size()); unpacked > most) {
      damaged(name_, fmt::format("its arrays are {} bytes unpacked, more than {}; {} allows more",
                                 unpacked, most,
                                 kLimits[static_cast<std::size_t>(Limit::unpacked)].variable));
    }
    return out;
  }

 private:
  void check_apart(const std::vector<Member>& members) const {
    std::vector<std::string_view> pieces;
    for (const Member& member : members) pieces.push_back(member.packed);
    std::sort(pieces.begin(), pieces.end(),
              [](std::string_view a, std::string_view b) { return a.data() < b.data(); });
    for (std::size_t i = 1; i < pieces.size(); ++i) {
      if (pieces[i - 1].data() + pieces[i - 1].size() > pieces[i].data())
        damaged(name_, "two members share bytes");
    }
  }

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

std::string place_of(const std::string& name, const std::string& member) {
  return name + "[" + member + ".npy]";
}

/// The first of the names that a member has; empty if none has.
std::string first_of(const std::vector<Member>& there, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto called = [name](const Member& member) { return member.name == name; };
    if (std::any_of(there.begin(), there.end(), called)) return name;
  }
  return "";
}

}  // namespace

std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& name,
                                       const std::vector<std::string>& wanted) {
  const Zip zip(bytes, name);
  std::map<std::string, Array> arrays;
  for (const Member& member : zip.members(wanted)) {
    const bool kept =
        wanted.empty() || std::find(wanted.begin(), wanted.end(), member.name) != wanted.end();
    if (!kept) continue;
    arrays.emplace(member.name, parse_npy(zip.unpacked(member), place_of(name, member.name)));
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
  const std::vector<Member> there = zip.members({"x"});
  const std::string x = first_of(there, {"x", "X", "data"}),
                    y = first_of(there, {"y", "target", "labels"});
  if (x.empty()) {
    std::vector<std::string> names;
    for (const Member& member : there) names.push_back(member.name);
    throw DataError(name, 0, 0,
                    fmt::format("expected an array x (or X, data), got {}", name_list(names)));
  }
  Arrays out;
  out.file = name;
  std::string answers;
  for (const Member& member : zip.members({x, y})) {
    if (member.name == x) out.x = parse_npy(zip.unpacked(member), place_of(name, x));
    if (member.name == y) answers = zip.unpacked(member);
  }
  if (y.empty()) return out;
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
