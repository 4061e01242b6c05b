#include "scalemix/data/npy.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"
#include "scalemix/base/printable.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/file_kind.h"

namespace scalemix::inline v0::data {
namespace {

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw DataError(name, 0, 0, "NumPy array: " + what);
}

constexpr const char* kBlanks = " \t\r\n";

struct Header {
  std::string type;  // "<f4"
  bool fortran = false;
  std::vector<std::size_t> shape;
  std::size_t data = 0;  // where the values start
};

/// The text after 'key': in a Python dictionary's literal.
std::string_view after_key(std::string_view text, const char* key, const std::string& name) {
  for (const char quote : {'\'', '"'}) {
    const std::string quoted = fmt::format("{0}{1}{0}", quote, key);
    const std::size_t at = text.find(quoted);
    if (at == std::string_view::npos) continue;
    std::string_view rest = text.substr(at + quoted.size());
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    if (!rest.starts_with(':')) continue;
    rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(kBlanks), rest.size()));
    return rest;
  }
  damaged(name, fmt::format("the header has no '{}':", key));
}

/// A tuple of whole numbers, of which Python 2 wrote some with an L: (40L, 4).
std::vector<std::size_t> parse_shape(std::string_view text, const std::string& name) {
  const std::size_t close = text.find_first_of(")]");
  if (!(text.starts_with('(') || text.starts_with('[')) || close == std::string_view::npos)
    damaged(name, "the shape is not a tuple");
  text = text.substr(1, close - 1);
  std::vector<std::size_t> shape;
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  while (!text.empty()) {
    std::size_t size = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (error != std::errc()) damaged(name, "the shape holds no numbers");
    if (shape.size() == kMostAxes) damaged(name, fmt::format("more than {} axes", kMostAxes));
    shape.push_back(size);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (text.starts_with('L') || text.starts_with('l')) text.remove_prefix(1);
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
    if (!text.empty() && text[0] != ',') damaged(name, "the shape holds no numbers");
    if (!text.empty()) text.remove_prefix(1);
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  }
  return shape;
}

Header parse_header(std::string_view bytes, const std::string& name) {
  if (!bytes.starts_with("\x93NUMPY") || bytes.size() < 12) damaged(name, "wrong magic");
  const int version = bytes[6];
  if (version < 1 || version > 3) damaged(name, fmt::format("unknown version {}", version));
  const std::size_t length_size = version == 1 ? 2 : 4;
  const std::uint64_t length = little_endian(bytes, 8, length_size);
  Header header;
  header.data = 8 + length_size + length;
  if (header.data > bytes.size()) damaged(name, "the header is longer than the file");
  const std::string_view text = bytes.substr(8 + length_size, length);
  std::string_view type = after_key(text, "descr", name);
  // Python 2 may have written u'<f8' or b'<f8'.
  if (type.starts_with('u') || type.starts_with('b')) type.remove_prefix(1);
  if (!type.starts_with('\'') && !type.starts_with('"')) {
    damaged(name, "records are not supported, only plain numbers");
  }
  const char quote = type[0];
  type.remove_prefix(1);
  header.type = type.substr(0, type.find(quote));
  header.fortran = after_key(text, "fortran_order", name).find_first_of("T1") == 0;
  header.shape = parse_shape(after_key(text, "shape", name), name);
  return header;
}

/// Number of values of a shape whose values must fit into `room` bytes.
std::size_t count_values(const std::vector<std::size_t>& shape, std::size_t size, std::size_t room,
                         const std::string& name) {
  std::size_t n = 1;
  for (const std::size_t axis : shape) {
    if (axis != 0 && n > room / axis)
      damaged(name, "the shape asks for more values than the file holds");
    n *= axis;
  }
  if (n * size != room) {
    damaged(name, fmt::format("shape ({}) asks for {} bytes of values, got {}",
                              fmt::join(shape, ", "), n * size, room));
  }
  return n;
}

/// A half, exactly.
double half_value(std::uint64_t bits) {
  const int exponent = static_cast<int>(bits >> 10 & 31), fraction = static_cast<int>(bits & 1023);
  const double size = exponent == 0   ? std::ldexp(fraction, -24)
                      : exponent < 31 ? std::ldexp(1024 + fraction, exponent - 25)
                      : fraction == 0 ? std::numeric_limits<double>::infinity()
                                      : std::numeric_limits<double>::quiet_NaN();
  return bits >> 15 ? -size : size;
}

double read_value(char kind, std::size_t size, std::uint64_t bits) {
  if (kind == 'f' && size == 2) return half_value(bits);
  if (kind == 'f' && size == 4) return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  if (kind == 'f') return std::bit_cast<double>(bits);
  if (kind != 'i') return static_cast<double>(bits);
  const unsigned unused = static_cast<unsigned>(64 - 8 * size);
  return static_cast<double>(static_cast<std::int64_t>(bits << unused) >> unused);
}

/// `value` as a T, float or double.
template <class T>
T checked(double value, bool integer, const std::string& name) {
  constexpr int kDigits = std::numeric_limits<T>::digits;
  const char* type = std::is_same_v<T, float> ? "float" : "double";
  if (integer && std::abs(value) > std::ldexp(1, kDigits)) {
    damaged(name,
            fmt::format("the integer {} is beyond 2^{} and not exact in {}", value, kDigits, type));
  }
  if (std::isfinite(value) && std::abs(value) > std::numeric_limits<T>::max()) {
    damaged(name, fmt::format("the number {} is beyond the range of {}", value, type));
  }
  return static_cast<T>(value);
}

/// Values from Fortran order, first axis fastest, to C order.
template <class T>
std::vector<T> to_c_order(const std::vector<T>& from, const std::vector<std::size_t>& shape) {
  std::vector<T> to(from.size());
  std::vector<std::size_t> index(shape.size(), 0);
  for (T& value : to) {
    std::size_t at = 0;
    for (std::size_t d = shape.size(); d-- > 0;) at = at * shape[d] + index[d];
    value = from[at];
    for (std::size_t d = shape.size(); d-- > 0 && ++index[d] == shape[d];) index[d] = 0;
  }
  return to;
}

/// Shape, values in C order, and whether they are stored as integers.
template <class T>
struct Read {
  std::vector<std::size_t> shape;
  std::vector<T> values;
  bool integer;
};

template <class T>
Read<T> read_npy(std::string_view bytes, const std::string& name) {
  const Header header = parse_header(bytes, name);
  const std::string& type = header.type;
  const std::size_t size = type.size() == 3 ? static_cast<std::size_t>(type[2] - '0') : 0;
  const char kind = type.size() == 3 ? type[1] : '?';
  const bool real = kind == 'f' && (size == 2 || size == 4 || size == 8);
  const bool whole = (kind == 'i' || kind == 'u') && std::has_single_bit(size) && size <= 8;
  if (!(real || whole || (kind == 'b' && size == 1))) {
    damaged(name,
            fmt::format("expected numbers of type f2, f4, f8, i1 ... i8 or u1 ... u8, got '{}'",
                        shortened(type, 20)));
  }
  const bool big = type[0] == '>';
  const std::size_t n = count_values(header.shape, size, bytes.size() - header.data, name);
  Read<T> out{header.shape, std::vector<T>(n), !real};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t at = header.data + i * size;
    const std::uint64_t bits = big ? big_endian(bytes, at, size) : little_endian(bytes, at, size);
    out.values[i] = checked<T>(read_value(kind, size, bits), !real, name);
  }
  if (header.fortran) out.values = to_c_order(out.values, out.shape);
  return out;
}

}  // namespace

Array parse_npy(std::string_view bytes, const std::string& name) {
  Read<float> read = read_npy<float>(bytes, name);
  return {std::move(read.shape), read.integer, std::move(read.values)};
}

DoubleArray parse_npy_double(std::string_view bytes, const std::string& name) {
  Read<double> read = read_npy<double>(bytes, name);
  return {std::move(read.shape), std::move(read.values)};
}

std::vector<std::string> parse_npy_texts(std::string_view bytes, const std::string& name) {
  const Header header = parse_header(bytes, name);
  const std::string& type = header.type;
  const char kind = type.size() > 2 ? type[1] : '?';
  std::size_t length = 0;
  std::from_chars(type.data() + 2, type.data() + type.size(), length);
  const std::size_t unit = kind == 'U' ? 4 : 1, size = unit * length;
  if ((kind != 'U' && kind != 'S') || size == 0 || length > bytes.size()) return {};
  const std::size_t n = count_values(header.shape, size, bytes.size() - header.data, name);
  std::vector<std::string> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < length; ++k) {
      const std::size_t at = header.data + i * size + k * unit;
      const std::uint64_t c =
          type[0] == '>' ? big_endian(bytes, at, unit) : little_endian(bytes, at, unit);
      if (c == 0) break;
      if (c >= 0x110000) damaged(name, "a text holds what is no character");
      append_utf8(static_cast<std::uint32_t>(c), out[i]);
    }
  }
  return out;
}

std::string npy_header(const char* type, const std::vector<std::size_t>& shape) {
  std::string axes;
  for (const std::size_t axis : shape) axes += std::to_string(axis) + ",";
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type, axes);
  // Magic, version, length and header together fill whole blocks of 64 bytes; the last is a line
  // end.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  return bytes + header;
}

std::string format_npy(const Array& array) {
  std::string bytes = npy_header(array.integer ? "<i8" : "<f4", array.shape);
  const std::size_t size = array.integer ? 8 : 4;
  for (const float value : array.values) {
    const std::uint64_t bits = array.integer
                                   ? static_cast<std::uint64_t>(static_cast<std::int64_t>(value))
                                   : std::bit_cast<std::uint32_t>(value);
    for (std::size_t b = 0; b < size; ++b) bytes += static_cast<char>(bits >> (8 * b) & 255);
  }
  return bytes;
}

}  // namespace scalemix::inline v0::data
