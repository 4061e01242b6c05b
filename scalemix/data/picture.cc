#include "scalemix/data/picture.h"

#include <fmt/format.h>
#include <png.h>
// libjpeg's header wants FILE.
#include <cstdio>
//
#include <jpeglib.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <csetjmp>
#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"
#include "scalemix/data/bytes.h"

namespace scalemix::inline v0::data {
namespace {

std::string extension(const std::string& path) {
  std::string out = std::filesystem::path(path).extension().string();
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// Before a number is made of a picture that stands in so many bytes of a file.
void check_size(const std::string& path, std::size_t height, std::size_t width,
                std::size_t channels, std::size_t file_bytes) {
  if (height == 0 || width == 0 || width > kMostPixels / height) {
    throw DataError(
        path, 0, 0,
        fmt::format("expected 1 to {} pixels, got {} x {}", kMostPixels, height, width));
  }
  if (height * width * channels <= most_unpacked(file_bytes)) return;
  throw DataError(
      path, 0, 0,
      fmt::format(
          "{} x {} pixels in {} bytes are more than a picture of that size holds; {} allows more",
          height, width, file_bytes, kLimits[static_cast<std::size_t>(Limit::unpacked)].variable));
}

/// Interleaved bytes to planes.
Picture planes(const std::vector<unsigned char>& bytes, std::size_t channels, std::size_t height,
               std::size_t width) {
  Picture out{channels, height, width, std::vector<float>(channels * height * width)};
  const std::size_t pixels = height * width;
  for (std::size_t i = 0; i < pixels; ++i) {
    for (std::size_t c = 0; c < channels; ++c) out.values[c * pixels + i] = bytes[i * channels + c];
  }
  return out;
}

Picture read_png(const std::string& path, const std::string& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  const auto refuse = [&] {
    const std::string why = image.message;
    png_image_free(&image);
    throw DataError(path, 0, 0, "is no whole PNG: " + why);
  };
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) refuse();
  const bool colour = image.format & PNG_FORMAT_FLAG_COLOR;
  image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  check_size(path, image.height, image.width, colour ? 3 : 1, bytes.size());
  std::vector<unsigned char> pixels(PNG_IMAGE_SIZE(image));
  png_color black{};
  if (!png_image_finish_read(&image, &black, pixels.data(), 0, nullptr)) refuse();
  return planes(pixels, colour ? 3 : 1, image.height, image.width);
}

struct JpegErrors {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

void jpeg_fails(j_common_ptr common) {
  auto* errors = reinterpret_cast<JpegErrors*>(common->err);
  (*common->err->format_message)(common, errors->message);
  std::longjmp(errors->back, 1);
}

/// A file that ends early is a warning to libjpeg, which fills it up with grey.
void jpeg_warns(j_common_ptr common, int level) {
  if (level < 0) jpeg_fails(common);
}

/// Nothing with a destructor may live between setjmp and longjmp: `pixels` is the caller's.
bool decode_jpeg(const std::string& bytes, JpegErrors& errors, std::vector<unsigned char>& pixels,
                 std::size_t shape[3]) {
  jpeg_decompress_struct jpeg{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = jpeg_fails;
  errors.manager.emit_message = jpeg_warns;
  if (setjmp(errors.back)) {
    jpeg_destroy_decompress(&jpeg);
    return false;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&jpeg, TRUE);
  jpeg.out_color_space = jpeg.num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  shape[0] = jpeg.num_components == 1 ? 1 : 3;
  shape[1] = jpeg.image_height;
  shape[2] = jpeg.image_width;
  const bool fits = shape[1] > 0 && shape[2] <= kMostPixels / shape[1] &&
                    shape[0] * shape[1] * shape[2] <= most_unpacked(bytes.size());
  if (!fits) {
    jpeg_destroy_decompress(&jpeg);
    return true;  // refused by the caller
  }
  jpeg_start_decompress(&jpeg);
  pixels.resize(shape[0] * shape[1] * shape[2]);
  while (jpeg.output_scanline < jpeg.output_height) {
    unsigned char* row = pixels.data() + jpeg.output_scanline * shape[0] * shape[2];
    jpeg_read_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_decompress(&jpeg);
  jpeg_destroy_decompress(&jpeg);
  return true;
}

Picture read_jpeg(const std::string& path, const std::string& bytes) {
  JpegErrors errors{};
  std::vector<unsigned char> pixels;
  std::size_t shape[3] = {};
  if (!decode_jpeg(bytes, errors, pixels, shape)) {
    throw DataError(path, 0, 0, std::string("is no whole JPEG: ") + errors.message);
  }
  check_size(path, shape[1], shape[2], shape[0], bytes.size());
  return planes(pixels, shape[0], shape[1], shape[2]);
}

/// Weights of the old places that make up each new one, along one side.
struct Share {
  std::size_t first;
  std::vector<double> weights;
};
std::vector<Share> shares(std::size_t from, std::size_t to) {
  std::vector<Share> out;
  const double step = static_cast<double>(from) / static_cast<double>(to);
  for (std::size_t i = 0; i < to; ++i) {
    Share share{};
    const double lo = static_cast<double>(i) * step, hi = lo + step;
    if (step >= 1) {  // the part of each old place that the new one covers
      share.first = static_cast<std::size_t>(lo);
      for (std::size_t k = share.first; k < from && static_cast<double>(k) < hi - 1e-9; ++k) {
        const double a = std::max(lo, static_cast<double>(k)),
                     b = std::min(hi, static_cast<double>(k + 1));
        share.weights.push_back((b - a) / step);
      }
    } else {  // between the centres of two
      const double at = std::clamp((lo + hi) / 2 - 0.5, 0.0, static_cast<double>(from - 1));
      share.first = std::min(static_cast<std::size_t>(at), from > 1 ? from - 2 : 0);
      const double off = at - static_cast<double>(share.first);
      share.weights = {1 - off};
      if (from > 1) share.weights.push_back(off);
    }
    out.push_back(std::move(share));
  }
  return out;
}

}  // namespace

bool is_picture(const std::string& path) {
  const std::string end = extension(path);
  return end == ".png" || end == ".jpg" || end == ".jpeg";
}

Picture read_picture(const std::string& path) {
  const std::string bytes = read_bytes(path);
  if (bytes.empty()) throw DataError(path, 0, 0, "is empty");
  // By what it is, not by its name.
  const bool png = bytes.starts_with("\x89PNG");
  return png ? read_png(path, bytes) : read_jpeg(path, bytes);
}

Picture resized(const Picture& p, std::size_t height, std::size_t width) {
  if (p.height == height && p.width == width) return p;
  const std::vector<Share> down = shares(p.height, height), across = shares(p.width, width);
  Picture out{p.channels, height, width, std::vector<float>(p.channels * height * width)};
  for (std::size_t c = 0; c < p.channels; ++c) {
    const float* from = p.values.data() + c * p.height * p.width;
    for (std::size_t i = 0; i < height; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        double sum = 0;
        for (std::size_t a = 0; a < down[i].weights.size(); ++a) {
          const float* row = from + (down[i].first + a) * p.width + across[j].first;
          for (std::size_t b = 0; b < across[j].weights.size(); ++b) {
            sum += down[i].weights[a] * across[j].weights[b] * row[b];
          }
        }
        out.values[(c * height + i) * width + j] = static_cast<float>(sum);
      }
    }
  }
  return out;
}

Picture with_channels(Picture p, std::size_t channels) {
  if (p.channels == channels) return p;
  const std::size_t pixels = p.height * p.width;
  Picture out{channels, p.height, p.width, std::vector<float>(channels * pixels)};
  for (std::size_t i = 0; i < pixels; ++i) {
    const double grey = p.channels == 1 ? p.values[i]
                                        : 0.299 * p.values[i] + 0.587 * p.values[pixels + i] +
                                              0.114 * p.values[2 * pixels + i];
    for (std::size_t c = 0; c < channels; ++c) {
      out.values[c * pixels + i] = static_cast<float>(grey);
    }
  }
  return out;
}

}  // namespace scalemix::inline v0::data
