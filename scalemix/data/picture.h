// One picture of a file: PNG by libpng, JPEG by libjpeg.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace scalemix::inline v0::data {

/// Values 0 ... 255, planes of rows: (channels, height, width); 1 channel or 3 (red, green, blue).
struct Picture {
  std::size_t channels = 0, height = 0, width = 0;
  std::vector<float> values = {};
};

/// Whether the name of a file ends as a picture's: .png, .jpg, .jpeg, in any case.
bool is_picture(const std::string& path);

/// Transparent places are black. Sixteen bits become eight. Throws FileError where it cannot be read,
/// DataError where it is no whole picture or larger than kMostPixels.
Picture read_picture(const std::string& path);

inline constexpr std::size_t kMostPixels = std::size_t{1} << 26;

/// The picture in another size: the mean over the area that a new pixel covers where it shrinks, bilinear where
/// it grows. And in other channels: grey is 0.299 red + 0.587 green + 0.114 blue.
Picture resized(const Picture& picture, std::size_t height, std::size_t width);
Picture with_channels(Picture picture, std::size_t channels);

}  // namespace scalemix::inline v0::data
