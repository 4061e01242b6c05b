// NumPy's file formats: .npy (one array) and .npz (a zip archive of them, stored or deflated).
// Format: NEP 1, versions 1.0 to 3.0. Read: float16, float32, float64, (u)int8 ... (u)int64, bool, either
// byte order, C or Fortran order. Written: float32 and int64, C order, version 1.0.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "scalemix/data/array.h"

namespace scalemix::inline v0::data {

/// Throws DataError if the bytes are no such array: wrong magic, a header that does not parse, an
/// unsupported type, fewer or more bytes than the shape asks for, an integer beyond 2^24.
Array parse_npy(std::string_view bytes, const std::string& name);

/// The same in double, for what must not round to float. Integers are exact up to 2^53.
struct DoubleArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;
};
DoubleArray parse_npy_double(std::string_view bytes, const std::string& name);

/// The texts of an array of them ("<U6", "|S6"), in C order of one axis; empty if it holds none.
std::vector<std::string> parse_npy_texts(std::string_view bytes, const std::string& name);

std::string format_npy(const Array& array);

/// What stands before the values of an array in C order, `type` as NumPy writes it ("<f8"): whole
/// blocks of 64 bytes.
std::string npy_header(const char* type, const std::vector<std::size_t>& shape);

/// Arrays of an archive by name without ".npy": all, or those that are wanted, the others left alone.
/// Throws DataError if the archive is damaged, a name stands in it twice, members share bytes, or they
/// unpack to more than base/limits.h allows.
std::map<std::string, Array> parse_npz(std::string_view bytes, const std::string& name,
                                       const std::vector<std::string>& wanted = {});

std::string format_npz(const std::map<std::string, Array>& arrays);

/// x and y of an archive: `x` or `X` or `data`, and `y` or `target` or `labels`; other arrays are left
/// alone, whatever they hold. Throws DataError without x.
Arrays arrays_of_npz(std::string_view bytes, const std::string& name);

}  // namespace scalemix::inline v0::data
