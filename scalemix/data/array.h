// A numeric array read from a file, and data sets made of such arrays.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/data/dataset.h"
#include "scalemix/data/schema.h"

namespace scalemix::inline v0::data {

/// Values in C order. Integers are exact: readers refuse those beyond 2^24.
struct Array {
  std::vector<std::size_t> shape;
  bool integer = false;  // stored as integers
  std::vector<float> values;

  std::size_t rows() const { return shape.empty() ? 0 : shape[0]; }
};

/// Inputs and, if they came with them, answers.
struct Arrays {
  std::string file;  // for errors
  Array x;
  std::optional<Array> y;
  std::vector<std::string> texts = {};  // (N) answers that are texts, in the place of y
  std::vector<double> wide = {};        // x before rounding, of two axes; else empty

  bool answered() const { return y || !texts.empty(); }
};

/// .npy (x), .npz (x and perhaps y) or one IDX file (x), by its bytes.
Arrays arrays_of(std::string_view bytes, const std::string& path);

/// open() of a file whose bytes have been read, whatever they are.
Dataset open_bytes(std::string bytes, const std::string& path, const OpenOptions& options);

/// Shape of one input: (N, K) gives {K}, (N, H, W) gives {1, H, W}, (N, C, H, W) gives {C, H, W}.
/// Throws DataError for another number of axes, an empty axis, or an infinite value.
std::vector<std::size_t> input_shape(const Arrays& arrays);

/// A data set of x and y; y of integers means classification unless the task says otherwise. A
/// two-axis x without y is a table of numbers whose target is one of its columns
/// (OpenOptions::target, by number). Throws DataError if y is not one number per row.
Dataset dataset_of(const Arrays& arrays, const OpenOptions& options);

/// A two-axis array coded by position, as encode() codes a table without a header.
Encoded encode(const Arrays& arrays, const Schema& schema, const EncodeOptions& options);

/// The schema of a table of `columns` numbers without a header, whose target stands at `target`.
Schema numeric_schema(std::size_t columns, std::size_t target);

/// Classes and labels of integer answers: names are the distinct values in ascending order. Throws
/// DataError for a value that is no integer or beyond 2^24, or one class only.
void classify(const std::vector<float>& y, const std::string& file, Dataset& data);

}  // namespace scalemix::inline v0::data
