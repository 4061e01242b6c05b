#include "scalemix/data/file_kind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scalemix/base/error.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/table.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::string_literals;

std::string utf16(const std::string& ascii, bool big, bool mark) {
  std::string out = !mark ? "" : big ? "\xFE\xFF" : "\xFF\xFE";
  for (const char c : ascii) {
    if (big) out += '\0';
    out += c;
    if (!big) out += '\0';
  }
  return out;
}

TEST(FileKind, IsSeenFromBytesAndTheFilesOwnName) {
  EXPECT_EQ(kind_of("width,y\n1,2\n", "mnist-ubyte-tables/t.csv"), FileKind::table);
  EXPECT_EQ(kind_of("1,2\n", "a-ubyte.csv"), FileKind::table);
  EXPECT_EQ(kind_of("1 2\n", "x.npz/t.txt"), FileKind::table);
  EXPECT_EQ(kind_of("\x93NUMPY", "t"), FileKind::npy);
  EXPECT_EQ(kind_of("PK\x03\x04..x.npy", "t"), FileKind::npz);
  EXPECT_EQ(kind_of("\0\0\x08\x03\0\0\0\1\0\0"s, "digits"), FileKind::idx);
  EXPECT_EQ(kind_of("damaged", "train-images-idx3-ubyte"), FileKind::idx);
  EXPECT_EQ(kind_of("\0\0\x08\x03\0\0\0\1\0\0"s, "batch.bin"), FileKind::cifar);
  EXPECT_THROW(kind_of("1,2\n", "t.npy"), DataError);
}

std::string refusal(const std::string& bytes) {
  return message_of<DataError>([&] { parse_table(bytes, "t.csv"); });
}

TEST(FileKind, IsNamedWhereItIsNoTable) {
  EXPECT_EQ(refusal("BZh91AY&SY\xF7\x93\0\0"s).rfind("t.csv: is packed with bzip2", 0), 0u);
  EXPECT_THAT(refusal("\xFD\x37zXZ\0\0\x04"s), HasSubstr("packed with xz"));
  EXPECT_THAT(refusal("\x28\xB5\x2F\xFD\0\0"s), HasSubstr("packed with zstd"));
  EXPECT_THAT(refusal("PK\x03\x04\x14\0\0\0"s), HasSubstr("zip archive"));
  EXPECT_THAT(refusal("PK\x03\x04\x14\0\0\0xl/workbook.xml"s), HasSubstr("save it as CSV"));
  EXPECT_THAT(refusal("\xD0\xCF\x11\xE0\0"s), HasSubstr("workbook"));
  EXPECT_THAT(refusal("PAR1\x15\0"s), HasSubstr("Parquet"));
  EXPECT_THAT(refusal("\x89HDF\r\n\x1a\n\0"s), HasSubstr("HDF5"));
  EXPECT_THAT(refusal("\x80\x04\x95\0"s), HasSubstr("pickle"));
  EXPECT_THAT(refusal("SQLite format 3\0"s), HasSubstr("SQLite"));
  EXPECT_THAT(refusal("\x89PNG\r\n\x1a\n\0"s), HasSubstr("picture"));
  EXPECT_THAT(refusal("version https://git-lfs.github.com/spec/v1\n"), HasSubstr("Git LFS"));
  EXPECT_THAT(refusal("<!DOCTYPE html>\n<html>"), HasSubstr("web page"));
  EXPECT_THAT(refusal("[{\"a\": 1}]"), HasSubstr("JSON"));
  EXPECT_THAT(refusal("@relation iris\n"), HasSubstr("ARFF"));
  EXPECT_THAT(refusal("\xFF\xFE\0\0a\0\0\0"s), HasSubstr("UTF-32"));
  EXPECT_THAT(refusal("a,b\n1,\0\n"s), HasSubstr("zero bytes, the first at 6"));
  // Names that begin like a magic are names.
  EXPECT_EQ(parse_table("ORCID,RDX\n1,2\n", "t.csv").names()[0], "ORCID");
}

TEST(FileKind, Utf16IsReadInBothOrdersWithAndWithoutItsMark) {
  for (const bool big : {false, true}) {
    for (const bool mark : {false, true}) {
      const Table t = parse_table(utf16("size,y\r\n1,2\r\n", big, mark), "t.csv");
      EXPECT_THAT(t.names(), ElementsAre("size", "y")) << big << mark;
      EXPECT_EQ(t.cell(0, 1), "2");
    }
  }
  // Beyond ASCII, and beyond 16 bits: e acute, a pair of surrogates.
  EXPECT_EQ(to_utf8("\xFF\xFE\xE9\0\x3D\xD8\0\xDE"s, "t"), "\xC3\xA9\xF0\x9F\x98\x80");
  EXPECT_THROW(to_utf8("\xFF\xFE\x3D\xD8"
                       "a\0"s,
                       "t"),
               DataError);
  EXPECT_THROW(to_utf8("\xFF\xFE"
                       "a"s,
                       "t"),
               DataError);
}

TEST(Gzip, IsReadWithZeroBytesBehindIt) {
  const std::string packed = gzip("a,b\n1,2\n");
  EXPECT_EQ(gunzip(packed + std::string(512, '\0'), "t"), "a,b\n1,2\n");
  EXPECT_EQ(gunzip(packed + gzip("3,4\n") + std::string(7, '\0'), "t"), "a,b\n1,2\n3,4\n");
  EXPECT_THROW(gunzip(packed + std::string(20, '\0') + "x", "t"), DataError);
  EXPECT_THROW(gunzip(packed + "garbage that is no member", "t"), DataError);
}

}  // namespace
}  // namespace scalemix::data
