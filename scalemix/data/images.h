// Pictures by class: a folder for each class, or a table of paths.
//
//   FOLDER/CLASS/any.png                      one set, divided as asked for
//   FOLDER/train/CLASS/..., FOLDER/test/...   one division
//   paths.csv                                 a column of paths (from the table's folder) and one of classes,
//                                             or of numbers
//
// Classes are in the order of their names, pictures in that of theirs. Pictures of one size are taken as they
// are; others need OpenOptions::image. All are grey, or all have three colours: one in colour decides.
#pragma once

#include <string>
#include <string_view>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// Whether a folder holds pictures, or folders of pictures.
bool is_image_folder(const std::string& folder);

/// `unlabelled`: pictures may lie in the folder itself, without a class; then there are no labels. Throws
/// DataError naming the picture, or the class that has none, FileError.
Dataset open_images(const std::string& folder, const OpenOptions& options, bool unlabelled = false);

/// Whether a text is a table whose first cell of the second row is a picture's path.
bool is_image_list(std::string_view text);
/// Reads it; `path` is the table's.
Dataset open_image_list(std::string text, const std::string& path, const OpenOptions& options);

}  // namespace scalemix::inline v0::data
