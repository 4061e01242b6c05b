// IDX, the format of MNIST (LeCun, Cortes & Burges): bytes 0 0, a type, the number of axes, each
// axis as a big-endian 32-bit number, then the values. Bytes (type 8) only; gzip is unpacked.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scalemix/data/array.h"
#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// Whether a file's own name says that it is one: "t10k-labels-idx1-ubyte.gz". What its folders are called
/// says nothing.
bool is_idx_name(const std::string& path);

/// Throws DataError for a wrong magic number, an unsupported type, or another number of bytes than
/// the axes ask for.
Array parse_idx(std::string_view bytes, const std::string& name);

/// A folder with {train,t10k}-{images-idx3,labels-idx1}-ubyte, plain or .gz: training images first,
/// then test images, one split. `classes` defaults to the digits of the labels. Throws DataError
/// where images and labels differ in number or shape, FileError for a missing file.
Dataset open_idx(const std::string& folder, std::vector<std::string> classes = {});

/// Whether a folder holds such files.
bool is_idx_folder(const std::string& folder);

}  // namespace scalemix::inline v0::data
