// Pictures by class: read, brought to one size, and what is said of those that cannot be.

#include "scalemix/data/images.h"

#include <gmock/gmock.h>
#include <png.h>
#include <cstdio>
//
#include <jpeglib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include "scalemix/base/error.h"
#include "scalemix/data/augment.h"
#include "scalemix/data/picture.h"
#include "scalemix/data/rows.h"

namespace scalemix::data {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Images : public testing::Test {
 protected:
  Images() : root_(fs::path(testing::TempDir()) / "scalemix_images") {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~Images() override { fs::remove_all(root_); }

  std::string path(const std::string& name) const { return (root_ / name).string(); }

  /// value(i, j) of a grey picture, or of the red plane; green is 100, blue 200.
  template <class Value>
  void png(const std::string& name, unsigned height, unsigned width, bool colour,
           const Value& value) {
    fs::create_directories((root_ / name).parent_path());
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = width, image.height = height;
    image.format = colour ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
    const std::vector<unsigned char> bytes = pixels(height, width, colour, value);
    ASSERT_TRUE(png_image_write_to_file(&image, path(name).c_str(), 0, bytes.data(), 0, nullptr));
  }
  template <class Value>
  void jpeg(const std::string& name, unsigned height, unsigned width, const Value& value) {
    fs::create_directories((root_ / name).parent_path());
    const std::vector<unsigned char> bytes = pixels(height, width, true, value);
    jpeg_compress_struct jpeg{};
    jpeg_error_mgr errors{};
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    std::FILE* file = std::fopen(path(name).c_str(), "wb");
    jpeg_stdio_dest(&jpeg, file);
    jpeg.image_width = width, jpeg.image_height = height;
    jpeg.input_components = 3, jpeg.in_color_space = JCS_RGB;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 98, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < height) {
      auto* row = const_cast<unsigned char*>(bytes.data()) + jpeg.next_scanline * width * 3;
      jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    std::fclose(file);
  }

  std::string refusal(const OpenOptions& options = {}) {
    try {
      open(root_.string(), options);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }

  fs::path root_;

 private:
  template <class Value>
  static std::vector<unsigned char> pixels(unsigned height, unsigned width, bool colour,
                                           const Value& value) {
    std::vector<unsigned char> out;
    for (unsigned i = 0; i < height; ++i) {
      for (unsigned j = 0; j < width; ++j) {
        out.push_back(static_cast<unsigned char>(value(i, j)));
        if (colour) out.push_back(100), out.push_back(200);
      }
    }
    return out;
  }
};

const auto kRamp = [](unsigned i, unsigned j) { return 10 * i + j; };
const auto kFlat = [](unsigned, unsigned) { return 7u; };

TEST_F(Images, AFolderForEachClass) {
  png("dog/b.png", 3, 4, false, kRamp);
  png("cat/a.png", 3, 4, false, kFlat);
  png("cat/c.png", 3, 4, false, kRamp);
  const Dataset data = open(root_.string());
  EXPECT_EQ(data.shape, (std::vector<std::size_t>{1, 3, 4}));
  EXPECT_EQ(data.classes, (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data.label, (std::vector<std::int32_t>{0, 0, 1}));
  EXPECT_EQ(data.x[0], 7);
  for (unsigned k = 0; k < 12; ++k) EXPECT_EQ(data.x[12 + k], kRamp(k / 4, k % 4));
}

TEST_F(Images, TrainAndTestFoldersAreADivision) {
  for (const char* name : {"train/a/1.png", "train/b/1.png", "test/a/1.png"})
    png(name, 2, 2, false, kFlat);
  const Dataset data = open(root_.string());
  ASSERT_EQ(data.splits.size(), 1u);
  EXPECT_EQ(data.splits[0].train, (std::vector<std::uint32_t>{0, 1}));
  EXPECT_EQ(data.splits[0].test, (std::vector<std::uint32_t>{2}));
  png("test/c/1.png", 2, 2, false, kFlat);
  EXPECT_THAT(refusal(), HasSubstr("'c' is a class that train has not"));
}

TEST_F(Images, ColourJpegAndGreyBecomeThreePlanes) {
  jpeg("a/1.jpg", 8, 8, kFlat);
  png("b/1.png", 8, 8, false, kFlat);
  const Dataset data = open(root_.string());
  EXPECT_EQ(data.shape, (std::vector<std::size_t>{3, 8, 8}));
  EXPECT_NEAR(data.x[0], 7, 3);
  EXPECT_NEAR(data.x[64], 100, 3);
  EXPECT_NEAR(data.x[128], 200, 3);
  for (int plane = 0; plane < 3; ++plane) EXPECT_EQ(data.x[192 + 64 * plane], 7);
}

TEST_F(Images, MixedSizesNeedOneThatIsGiven) {
  png("a/1.png", 2, 2, false, kRamp);
  png("b/1.png", 4, 4, false, kRamp);
  EXPECT_THAT(refusal(), testing::AllOf(HasSubstr("b/1.png: is 4 x 4"),
                                        HasSubstr("a/1.png is 2 x 2"), HasSubstr("--image-size")));
  const Dataset data = open(root_.string(), {.image = {2, 2}});
  EXPECT_EQ(data.x[4], (0 + 1 + 10 + 11) / 4.0f);  // means of four
  EXPECT_EQ(data.x[7], (22 + 23 + 32 + 33) / 4.0f);
}

TEST_F(Images, WhatIsBrokenIsNamed) {
  png("a/1.png", 4, 4, false, kRamp);
  fs::create_directories(root_ / "b");
  EXPECT_THAT(refusal(), HasSubstr("b: is a class without a .png or .jpg picture"));
  jpeg("b/bad.jpg", 16, 16, kRamp);
  fs::resize_file(root_ / "b/bad.jpg", fs::file_size(root_ / "b/bad.jpg") / 2);
  EXPECT_THAT(refusal({.image = {4, 4}}), HasSubstr("b/bad.jpg: is no whole JPEG"));
  fs::remove(root_ / "b/bad.jpg");
  std::ofstream(root_ / "b/text.png") << "no picture";
  EXPECT_THAT(refusal(), HasSubstr("b/text.png: is no whole JPEG"));
  std::ofstream(root_ / "b/text.png");
  EXPECT_THAT(refusal(), HasSubstr("b/text.png: is empty"));
  png("b/text.png", 4, 4, false, kRamp);
  fs::resize_file(root_ / "b/text.png", 50);
  EXPECT_THAT(refusal(), HasSubstr("b/text.png: is no whole PNG"));
}

TEST_F(Images, OneClassOrNoneIsRefused) {
  png("only/1.png", 2, 2, false, kFlat);
  EXPECT_THAT(refusal(), HasSubstr("expected two classes at least, got 'only'"));
  png("loose.png", 2, 2, false, kFlat);
  EXPECT_THAT(refusal(), HasSubstr("pictures without classes"));
}

TEST_F(Images, ATableOfPaths) {
  png("p/1.png", 2, 2, false, kFlat);
  png("p/2.png", 2, 2, false, kRamp);
  std::ofstream(root_ / "list.csv") << "path,kind\np/2.png,ramp\np/1.png,flat\n";
  const Dataset data = open(path("list.csv"));
  EXPECT_EQ(data.classes, (std::vector<std::string>{"flat", "ramp"}));
  EXPECT_EQ(data.label, (std::vector<std::int32_t>{1, 0}));
  EXPECT_EQ(data.target, "kind");
  std::ofstream(root_ / "numbers.csv") << "path,angle\np/2.png,1.5\np/1.png,-2\n";
  EXPECT_EQ(open(path("numbers.csv")).y, (std::vector<float>{1.5f, -2}));
  std::ofstream(root_ / "gone.csv") << "path,angle\np/2.png,1.5\np/3.png,-2\n";
  EXPECT_THROW(open(path("gone.csv")), FileError);
}

TEST_F(Images, RowsOfAModelComeInItsSizeWithOrWithoutClasses) {
  png("x/1.png", 4, 4, false, kRamp);
  png("y/1.png", 4, 4, false, kFlat);
  const Format format{Task::classification, {1, 2, 2}, {"x", "y"}, "", ""};
  const LabelledRows rows = open_rows(root_.string(), format, Labels::required);
  EXPECT_EQ(rows.rows, 2u);
  EXPECT_EQ(rows.x.size(), 8u);
  EXPECT_EQ(rows.label, (std::vector<std::int32_t>{0, 1}));
  const LabelledRows loose = open_rows(path("x"), format, Labels::ignored);
  EXPECT_EQ(loose.rows, 1u);
  EXPECT_FALSE(loose.labelled);
  EXPECT_THROW(open_rows(path("x"), format, Labels::required), DataError);
}

TEST(Picture, GrowsBetweenCentres) {
  const Picture wide = resized({1, 1, 2, {0, 4}}, 1, 4);
  EXPECT_EQ(wide.values, (std::vector<float>{0, 1, 3, 4}));
  EXPECT_NEAR(with_channels({3, 1, 1, {10, 20, 30}}, 1).values[0],
              0.299 * 10 + 0.587 * 20 + 0.114 * 30, 1e-5);
}

// ------------------------------------------------------------------------------ augment

std::vector<float> changed(const char* word, std::uint64_t row, std::uint32_t epoch = 0) {
  std::vector<float> x(2 * 4 * 5), room(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i + 1);
  Augment({word})(9, epoch, row, {2, 4, 5}, x.data(), room.data());
  return x;
}

TEST(Augment, ShiftsFlipsAndCuts) {
  std::set<std::vector<float>> seen;
  for (std::uint64_t row = 0; row < 200; ++row) {
    const std::vector<float> x = changed("pad_crop:pixels=1", row);
    seen.insert(x);
    const std::size_t full = std::count_if(x.begin(), x.end(), [](float v) { return v != 0; });
    EXPECT_TRUE(full == 40 || full == 32 || full == 30 || full == 24) << full;
    // What is left is the picture, shifted: a number and its right neighbour differ by one.
    for (std::size_t i = 0; i + 1 < 40; ++i) {
      if (i % 5 != 4 && x[i] != 0 && x[i + 1] != 0) EXPECT_EQ(x[i + 1], x[i] + 1);
    }
  }
  EXPECT_EQ(seen.size(), 9u);
  int flipped = 0;
  for (std::uint64_t row = 0; row < 400; ++row) flipped += changed("flip", row)[0] == 5;
  EXPECT_NEAR(flipped, 200, 4 * 10);
  for (std::uint64_t row = 0; row < 50; ++row) {
    const std::vector<float> x = changed("cutout:size=2", row);
    const std::size_t gone = std::count(x.begin(), x.end(), 0.0f);
    EXPECT_TRUE(gone == 2 || gone == 4 || gone == 8) << gone;  // of both planes, cut by the border
    EXPECT_EQ(std::count(x.begin(), x.begin() + 20, 0.0f), std::ptrdiff_t(gone / 2));
  }
}

TEST(Augment, DependsOnRowAndEpochAlone) {
  EXPECT_EQ(changed("pad_crop", 3, 1), changed("pad_crop", 3, 1));
  EXPECT_NE(changed("pad_crop", 3, 1), changed("pad_crop", 3, 2));
  EXPECT_THROW(Augment({"flop"}), ConfigError);
  EXPECT_THROW(Augment({"flip:p=2"}), std::domain_error);
}

}  // namespace
}  // namespace scalemix::data
