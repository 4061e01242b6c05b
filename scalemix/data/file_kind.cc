#include "scalemix/data/file_kind.h"

#include <cstdint>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"

namespace scalemix::inline v0::data {
namespace {

struct Magic {
  std::string_view bytes;
  std::string_view what;
};

using namespace std::string_view_literals;

// Bytes that no text begins with, or that are looked at only where the rest is no text.
constexpr Magic kMagic[] = {
    {"BZh"sv, "packed with bzip2; unpack it, or give it through a pipe: bzip2 -dc FILE | ... -"},
    {"\xFD\x37zXZ\0"sv,
     "packed with xz; unpack it, or give it through a pipe: xz -dc FILE | ... -"},
    {"\x5D\0\0"sv, "packed with lzma; unpack it, or give it through a pipe: xz -dc FILE | ... -"},
    {"\x28\xB5\x2F\xFD"sv,
     "packed with zstd; unpack it, or give it through a pipe: zstd -dc FILE | ... -"},
    {"\x04\x22\x4D\x18"sv,
     "packed with lz4; unpack it, or give it through a pipe: lz4 -dc FILE | ... -"},
    {"\x1F\x9D"sv,
     "packed with compress; unpack it, or give it through a pipe: gzip -dc FILE | ... -"},
    {"7z\xBC\xAF\x27\x1C"sv, "a 7z archive; unpack it"},
    {"Rar!"sv, "a RAR archive; unpack it"},
    {"\xD0\xCF\x11\xE0"sv, "a workbook of a spreadsheet program; save it as CSV"},
    {"PAR1"sv, "a Parquet file; write it as CSV or .npz"},
    {"ARROW1"sv, "an Arrow file; write it as CSV or .npz"},
    {"FEA1"sv, "a Feather file; write it as CSV or .npz"},
    {"ORC"sv, "an ORC file; write it as CSV or .npz"},
    {"Obj\x01"sv, "an Avro file; write it as CSV or .npz"},
    {"\x89HDF"sv, "an HDF5 file; write its arrays as .npz"},
    {"CDF\x01"sv, "a NetCDF file; write its arrays as .npz"},
    {"CDF\x02"sv, "a NetCDF file; write its arrays as .npz"},
    {"MATLAB 5.0"sv, "a MATLAB file; write its arrays as .npz or CSV"},
    {"SQLite format 3"sv, "an SQLite database; write the table as CSV"},
    {"\x80\x02"sv, "a Python pickle; write its arrays as .npz"},
    {"\x80\x03"sv, "a Python pickle; write its arrays as .npz"},
    {"\x80\x04"sv, "a Python pickle; write its arrays as .npz"},
    {"\x80\x05"sv, "a Python pickle; write its arrays as .npz"},
    {"RDX"sv, "data of R; write it with write.csv"},
    {"$FL2"sv, "an SPSS file; write it as CSV"},
    {"<stata_dta>"sv, "a Stata file; write it as CSV"},
    {"\x89PNG"sv, "a picture; give a folder of pictures for each class"},
    {"\xFF\xD8\xFF"sv, "a picture; give a folder of pictures for each class"},
};

// Texts that are no tables.
constexpr Magic kTexts[] = {
    {"%PDF"sv, "a PDF document; a table is read from text"},
    {"version https://git-lfs"sv,
     "a pointer of Git LFS, not the file itself; fetch it with git lfs pull"},
    {"<!DOCTYPE html"sv, "a web page, not a table"},
    {"<!doctype html"sv, "a web page, not a table"},
    {"<html"sv, "a web page, not a table"},
    {"<?xml"sv, "XML, not a table"},
    {"@relation"sv, "an ARFF file; write its rows as CSV"},
    {"@RELATION"sv, "an ARFF file; write its rows as CSV"},
};

std::string name_of_zip(std::string_view bytes) {
  const auto has = [&](std::string_view word) { return bytes.find(word) != bytes.npos; };
  if (has("xl/workbook") || has("xl/worksheets") || has("opendocument.spreadsheet")) {
    return "a workbook of a spreadsheet program; save it as CSV";
  }
  return "a zip archive; unpack it, or give a member through a pipe: unzip -p FILE | ... -";
}

/// JSON begins with a bracket and a quote, number or bracket; no table's first line does.
bool is_json(std::string_view bytes) {
  const std::size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == bytes.npos || (bytes[first] != '{' && bytes[first] != '[')) return false;
  const std::size_t second = bytes.find_first_not_of(" \t\r\n", first + 1);
  if (second == bytes.npos) return false;
  return bytes[first] == '{' ? bytes[second] == '"' : bytes[second] == '{' || bytes[second] == '[';
}

bool is_tar(std::string_view bytes) {
  return bytes.size() >= 512 && bytes.substr(257, 5) == "ustar";
}

/// 0: no UTF-16; else which byte of a pair is the high one (1 or 2).
int utf16_order(std::string_view bytes, std::size_t& skip) {
  skip = 2;
  if (bytes.starts_with("\xFF\xFE"sv)) return bytes.substr(2, 2) == "\0\0"sv ? 0 : 2;
  if (bytes.starts_with("\xFE\xFF"sv)) return 1;
  skip = 0;
  // Without a mark: every second byte of a long start is zero, the others never.
  const std::size_t n = bytes.size() < 64 ? bytes.size() / 2 * 2 : 64;
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < n; ++i) zeros[i % 2] += bytes[i] == '\0';
  if (n < 4) return 0;
  if (zeros[0] == 0 && zeros[1] == n / 2) return 2;
  if (zeros[1] == 0 && zeros[0] == n / 2) return 1;
  return 0;
}

/// Two zero bytes, a type of IDX and as many sizes as it says, which the values fit.
bool is_idx(std::string_view bytes) {
  if (bytes.size() < 8 || bytes[0] != 0 || bytes[1] != 0) return false;
  const auto type = static_cast<unsigned char>(bytes[2]);
  const auto axes = static_cast<unsigned char>(bytes[3]);
  return type >= 0x08 && type <= 0x0E && axes >= 1 && axes <= 4;
}

}  // namespace

void append_utf8(std::uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::string name_of_text(std::string_view text) {
  for (const Magic& magic : kTexts) {
    if (text.starts_with(magic.bytes)) return std::string(magic.what);
  }
  return is_json(text) ? "JSON, not a table; write its rows as CSV" : "";
}

std::string name_of_bytes(std::string_view bytes) {
  for (const Magic& magic : kMagic) {
    if (bytes.starts_with(magic.bytes)) return std::string(magic.what);
  }
  if (bytes.starts_with("PK\x03\x04")) return name_of_zip(bytes);
  if (is_tar(bytes)) return "a tar archive; unpack it";
  if (bytes.starts_with("\xFF\xFE\0\0"sv) || bytes.starts_with("\0\0\xFE\xFF"sv)) {
    return "text in UTF-32; convert it: iconv -f UTF-32 -t UTF-8";
  }
  return "";
}

FileKind kind_of(std::string_view bytes, const std::string& name) {
  const std::string end = ending(name), last = file_name(name);
  if (bytes.starts_with("\x93NUMPY")) return FileKind::npy;
  if (bytes.starts_with("PK") && (end == "npz" || bytes.find(".npy") != bytes.npos)) {
    return FileKind::npz;
  }
  if (end == "npz" || end == "npy") {
    if (const std::string what = name_of_bytes(bytes); !what.empty()) {
      throw DataError(name, 0, 0, "is " + what);
    }
    throw DataError(name, 0, 0, "is not a NumPy file: wrong magic");
  }
  if (end == "bin") return FileKind::cifar;
  const bool called_idx = last.find("-ubyte") != last.npos || end == "idx";
  if (is_idx(bytes) || (called_idx && end != "csv" && end != "tsv" && end != "txt")) {
    return FileKind::idx;
  }
  return FileKind::table;
}

std::string to_utf8(std::string&& bytes, const std::string& name) {
  std::size_t skip = 0;
  const int high = utf16_order(bytes, skip);
  if (high == 0) return std::move(bytes);
  std::string out;
  out.reserve(bytes.size());
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(bytes[i]),
               b = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<std::uint32_t>(high == 1 ? a << 8 | b : b << 8 | a);
  };
  const auto broken = [&](std::size_t at) -> DataError {
    return DataError(name, 0, 0, "text in UTF-16 is damaged at byte " + std::to_string(at));
  };
  if (bytes.size() % 2) throw broken(bytes.size() - 1);
  for (std::size_t i = skip; i < bytes.size(); i += 2) {
    std::uint32_t c = unit(i);
    if (c >= 0xD800 && c < 0xE000) {
      const bool pair = c < 0xDC00 && i + 3 < bytes.size();
      const std::uint32_t low = pair ? unit(i + 2) : 0;
      if (low < 0xDC00 || low >= 0xE000) throw broken(i);
      c = 0x10000 + ((c - 0xD800) << 10 | (low - 0xDC00));
      i += 2;
    }
    append_utf8(c, out);
  }
  return out;
}

}  // namespace scalemix::inline v0::data
