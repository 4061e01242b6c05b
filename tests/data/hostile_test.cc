// Archives, headers and values that ask for too much, and files that look odd and are right.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "scalemix/base/error.h"
#include "scalemix/base/limits.h"
#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/generate.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/picture.h"
#include "scalemix/data/registry.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string npy(const std::string& type, const std::string& shape, const std::string& values) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }\n";
  return std::string("\x93NUMPY\x02\0", 8) + static_cast<char>(header.size() & 255) +
         static_cast<char>(header.size() >> 8 & 255) + static_cast<char>(header.size() >> 16) +
         '\0' + header + values;
}

template <class F>
std::string refusal(F&& f) {
  return message_of<DataError>(std::forward<F>(f));
}

// ------------------------------------------------------------------------------ packed

TEST(Hostile, GzipUnpacksToSoMuchAndNoMore) {
  const std::string packed = gzip(std::string(1 << 20, 'a'));
  ASSERT_LT(packed.size(), 2000u);
  {
    const ScopedVariable least("SCALEMIX_MAX_UNPACKED", "1M");
    EXPECT_EQ(gunzip(packed, "a").size(), 1u << 20);
  }
  {
    const ScopedVariable least("SCALEMIX_MAX_UNPACKED", "1048575");
    EXPECT_THAT(refusal([&] { gunzip(packed, "a.gz"); }),
                AllOf(HasSubstr("a.gz: unpacks to more than 1048575 bytes"),
                      HasSubstr("SCALEMIX_MAX_UNPACKED")));
    // Many members are one file.
    const std::string small = gzip(std::string(1000, 'a'));
    std::string many;
    for (int i = 0; i < 2000; ++i) many += small;
    const ScopedVariable less("SCALEMIX_MAX_UNPACKED", "1K");
    EXPECT_THROW(gunzip(many, "a.gz"), DataError);
  }
}

TEST(Hostile, ABombOfGzipIsRefusedByDefault) {
  const std::string bomb =
      gzip(std::string(kLimits[static_cast<std::size_t>(Limit::unpacked)].value + 1, '\0'));
  EXPECT_THROW(gunzip(bomb, "a.gz"), DataError);
}

TEST(Hostile, ZerosBehindGzipAreLeftAlone) {
  const std::string one = gzip("a,b\n1,2\n");
  EXPECT_EQ(gunzip(one + std::string(512, '\0'), "a"), "a,b\n1,2\n");
  EXPECT_EQ(gunzip(one + one + '\0', "a"), "a,b\n1,2\na,b\n1,2\n");
  EXPECT_THROW(gunzip(one + std::string(512, '\0') + "x", "a"), DataError);
  EXPECT_THROW(gunzip(one + "x", "a"), DataError);
}

std::string archive() {
  return format_npz({{"names", {{2}, true, {1, 2}}},
                     {"x", {{2, 2}, false, {1, 2, 3, 4}}},
                     {"y", {{2}, true, {0, 1}}}});
}

TEST(Hostile, MembersOfAnArchiveShareNoBytes) {
  std::string twice = archive();
  const std::size_t second = twice.rfind("PK\x01\x02");
  for (std::size_t i = 0; i < 4; ++i) twice[second + 42 + i] = '\0';  // where "names" lies
  EXPECT_THAT(refusal([&] { parse_npz(twice, "a.npz"); }), HasSubstr("two members share bytes"));
}

TEST(Hostile, ANameStandsOnceInAnArchive) {
  std::string twice = archive();
  for (std::size_t at; (at = twice.find("y.npy")) != twice.npos;) twice[at] = 'x';
  EXPECT_THAT(refusal([&] { parse_npz(twice, "a.npz"); }), HasSubstr("two members are called x"));
}

TEST(Hostile, ArraysOfAnArchiveAreBoundedTogether) {
  const std::string bytes = archive();
  // Two arrays of 128 bytes of header, 16 of values each.
  const ScopedVariable input("SCALEMIX_MAX_INPUT", "1");
  {
    const ScopedVariable least("SCALEMIX_MAX_UNPACKED", "288");
    EXPECT_EQ(arrays_of_npz(bytes, "a.npz").x.rows(), 2u);
    EXPECT_THAT(refusal([&] { parse_npz(bytes, "a.npz"); }), HasSubstr("432 bytes unpacked"));
  }
  const ScopedVariable least("SCALEMIX_MAX_UNPACKED", "287");
  EXPECT_THAT(refusal([&] { arrays_of_npz(bytes, "a.npz"); }), HasSubstr("SCALEMIX_MAX_UNPACKED"));
}

TEST(Hostile, OtherArraysOfAnArchiveMayBeOfAnyType) {
  std::string texts = archive();
  const std::size_t at = texts.find("<i8");  // of "names", the first
  texts.replace(at, 3, "<U2");
  const Arrays arrays = arrays_of_npz(texts, "a.npz");
  EXPECT_EQ(arrays.x.values, (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(arrays.y->values, (std::vector<float>{0, 1}));
  EXPECT_THROW(parse_npz(texts, "a.npz"), DataError);
}

// ------------------------------------------------------------------------------ headers

TEST(Hostile, AxesAreCounted) {
  const auto shape = [](std::size_t n) {
    std::string text = "(";
    for (std::size_t i = 0; i < n; ++i) text += "1,";
    return text + ")";
  };
  EXPECT_EQ(parse_npy(npy("|u1", shape(kMostAxes), "\1"), "a").shape.size(), kMostAxes);
  EXPECT_THAT(refusal([&] { parse_npy(npy("|u1", shape(kMostAxes + 1), "\1"), "a"); }),
              HasSubstr("more than 32 axes"));
  EXPECT_LT(refusal([&] { parse_npy(npy("|u1", shape(20000), "\1"), "a"); }).size(), 200u);
}

TEST(Hostile, ShapesAsPython2WroteThemAreRead) {
  EXPECT_THAT(parse_npy(npy("|u1", "(2L, 2L)", "abcd"), "a").shape, ElementsAre(2, 2));
  EXPECT_THAT(parse_npy(npy("|u1", "(4L,)", "abcd"), "a").shape, ElementsAre(4));
  EXPECT_THROW(parse_npy(npy("|u1", "(L,)", ""), "a"), DataError);
}

TEST(Hostile, ALongTypeIsNotRepeated) {
  EXPECT_LT(refusal([&] { parse_npy(npy(std::string(50000, 'f'), "(1,)", "abcd"), "a"); }).size(),
            200u);
}

TEST(Hostile, OnlyTheFilesOwnNameMakesItIdx) {
  EXPECT_TRUE(is_idx_name("a/t10k-labels-idx1-ubyte.gz"));
  EXPECT_TRUE(is_idx_name("train-images-idx3-ubyte"));
  EXPECT_FALSE(is_idx_name("mnist-ubyte/t.csv"));
  const TempFolder folder;
  folder.write("mnist-ubyte/t.csv", "a,b\n1,2\n3,4\n");
  EXPECT_EQ(open(folder.path + "/mnist-ubyte/t.csv").rows(), 2u);
}

// ------------------------------------------------------------------------------ values

TEST(Hostile, ClassesAreWholeNumbersThatFloatHolds) {
  const auto classes = [](std::vector<float> y) {
    Dataset data;
    classify(y, "a.npz", data);
    return data.classes;
  };
  EXPECT_THAT(classes({-16777216, 16777216}), ElementsAre("-16777216", "16777216"));
  EXPECT_THAT(refusal([&] {
                classes({0, 16777218});
              }),
              AllOf(HasSubstr("at most 16777216"), HasSubstr("got 16777218")));
  for (const float bad : {1e19f, -1e19f, 3e38f, 0.5f, NAN, INFINITY}) {
    EXPECT_THROW(classes({0, 1, bad}), DataError) << bad;
  }
}

TEST(Hostile, GeneratorsMakeSoManyNumbersAndNoMore) {
  const ScopedVariable limit("SCALEMIX_MAX_GENERATED", "30");  // moons: three a row
  EXPECT_EQ(moons(10).rows(), 10u);
  EXPECT_THROW(moons(11), std::domain_error);
  EXPECT_THROW(friedman1(3), std::domain_error);
  EXPECT_THROW(glyphs(2), std::domain_error);
  EXPECT_THROW(glyphs(std::size_t{1} << 60),
               std::domain_error);  // whose numbers do not fit 64 bits
}

TEST(Hostile, EveryFileThatIsDownloadedHasASize) {
  std::size_t files = 0;
  for (const NamedSet& set : named_sets()) {
    for (const NamedFile& file : set.files) {
      EXPECT_EQ(file.sha256.empty(), file.size == 0) << set.name << " " << file.path;
      EXPECT_LT(file.size, std::uint64_t{1} << 30);
      files += file.size > 0;
    }
  }
  EXPECT_GT(files, 300u);
}

}  // namespace
}  // namespace scalemix::data
