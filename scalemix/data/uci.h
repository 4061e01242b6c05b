// UCI regression sets in the split folders that the literature on uncertainty shares
// (Hernandez-Lobato & Adams, ICML 2015): data.txt (numbers between blanks, no header),
// index_features.txt and index_target.txt (columns from 0), n_splits.txt, and index_train_K.txt,
// index_test_K.txt (rows from 0) for each split.
#pragma once

#include <string>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// Throws FileError for a missing file; DataError with file and line for an index that is no row or
/// column, a split without training or test rows, or a row in both parts of a split.
Dataset open_uci(const std::string& folder);

/// Whether a folder holds such files.
bool is_uci_folder(const std::string& folder);

}  // namespace scalemix::inline v0::data
