// CIFAR-10's binary form (Krizhevsky, 2009): records of 3073 bytes, a label 0 ... 9 and the red,
// green and blue planes of a 32 x 32 image.
#pragma once

#include <string>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// One file of records, or a folder with data_batch_*.bin (training) and test_batch.bin, which
/// gives one split. Class names come from batches.meta.txt beside them, else the canonical ten.
/// Throws DataError for a file that is no whole number of records or a label beyond 9, FileError
/// for a missing file.
Dataset open_cifar(const std::string& path);

/// Whether a folder holds such files.
bool is_cifar_folder(const std::string& folder);

}  // namespace scalemix::inline v0::data
