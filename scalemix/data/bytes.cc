#include "scalemix/data/bytes.h"

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "scalemix/base/error.h"

namespace scalemix::inline v0::data {
namespace {

constexpr std::size_t kPiece = 1 << 18;

/// `expected` bytes, if they are known, are read in one piece: growing would take the memory twice.
std::string read_stream(std::FILE* file, const std::string& path, std::size_t expected = 0) {
  std::string bytes(expected, '\0');
  bytes.resize(std::fread(bytes.data(), 1, expected, file));
  for (int next; (next = std::fgetc(file)) != EOF;) {
    std::ungetc(next, file);
    const std::size_t size = bytes.size();
    bytes.resize(size + std::max(kPiece, size));
    const std::size_t n = std::fread(bytes.data() + size, 1, bytes.size() - size, file);
    bytes.resize(size + n);
  }
  if (std::ferror(file)) throw FileError(path, std::string("cannot read: ") + std::strerror(errno));
  return bytes;
}

std::string read_packed(const std::string& path) {
  if (path == "-") return read_stream(stdin, "standard input");
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) throw FileError(path, "no such file", true);
    throw FileError(path, std::string("cannot read: ") + std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) throw DataError(path, 0, 0, "is a folder, expected a file");
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             &std::fclose);
  if (!file) throw FileError(path, std::string("cannot read: ") + std::strerror(errno));
  const bool known = S_ISREG(status.st_mode) && status.st_size > 0;
  return read_stream(file.get(), path, known ? static_cast<std::size_t>(status.st_size) : 0);
}

/// A zlib stream that ends itself.
class Inflater {
 public:
  explicit Inflater(int window_bits) {
    if (inflateInit2(&z, window_bits) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&z); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  void feed(std::string_view& packed) {
    const std::size_t n = std::min<std::size_t>(packed.size(), 1u << 30);
    z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    z.avail_in = static_cast<uInt>(n);
    packed.remove_prefix(n);
  }

  z_stream z{};
};

/// Whether nothing but zero bytes is left, as tapes and blocks of tar leave them behind a file.
bool only_zeros(const z_stream& z, std::string_view rest) {
  const auto zero = [](char c) { return c == '\0'; };
  const std::string_view fed(reinterpret_cast<const char*>(z.next_in), z.avail_in);
  return std::all_of(fed.begin(), fed.end(), zero) && std::all_of(rest.begin(), rest.end(), zero);
}

}  // namespace

std::string read_bytes(const std::string& path) {
  std::string bytes = read_packed(path);
  if (!bytes.starts_with("\x1f\x8b")) return bytes;
  return gunzip(bytes, path == "-" ? "standard input" : path);
}

std::string gunzip(std::string_view packed, const std::string& name) {
  constexpr int kGzip = 16 + MAX_WBITS;
  Inflater inflater(kGzip);
  z_stream& z = inflater.z;
  std::string plain, piece(kPiece, '\0');
  for (;;) {
    if (z.avail_in == 0) inflater.feed(packed);
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    const int state = inflate(&z, Z_NO_FLUSH);
    plain.append(piece.data(), piece.size() - z.avail_out);
    const bool more = z.avail_in > 0 || !packed.empty();
    if (state == Z_STREAM_END && (!more || only_zeros(z, packed))) return plain;
    if (state == Z_STREAM_END) {
      inflateReset(&z);
    } else if (state == Z_BUF_ERROR || (state == Z_OK && !more && z.avail_out > 0)) {
      throw DataError(
          name, 0, 0,
          "truncated gzip file: it ends after " + std::to_string(plain.size()) + " unpacked bytes");
    } else if (state != Z_OK) {
      throw DataError(name, 0, 0,
                      std::string("damaged gzip file: ") + (z.msg ? z.msg : "not gzip") +
                          " after " + std::to_string(plain.size()) + " unpacked bytes");
    }
  }
}

std::string gzip(std::string_view plain) {
  z_stream z{};
  constexpr int kGzip = 16 + MAX_WBITS;
  if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  std::string packed(deflateBound(&z, plain.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

std::string inflate_raw(std::string_view packed, std::size_t size, const std::string& name) {
  Inflater inflater(-MAX_WBITS);
  z_stream& z = inflater.z;
  // Grown as bytes arrive: a wrong size in the file must not claim memory.
  std::string plain, piece(kPiece, '\0');
  int state = Z_OK;
  while (state == Z_OK && plain.size() <= size) {
    if (z.avail_in == 0) inflater.feed(packed);
    z.next_out = reinterpret_cast<Bytef*>(piece.data());
    z.avail_out = static_cast<uInt>(piece.size());
    state = inflate(&z, Z_NO_FLUSH);
    plain.append(piece.data(), piece.size() - z.avail_out);
  }
  if (state != Z_STREAM_END || plain.size() != size) {
    throw DataError(name, 0, 0,
                    "damaged compressed data: expected " + std::to_string(size) + " bytes, got " +
                        std::to_string(plain.size()));
  }
  return plain;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string ending(const std::string& path) {
  std::string name = file_name(path);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const std::size_t dot = name.rfind('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace scalemix::inline v0::data
