// The binary formats: NumPy, IDX, CIFAR, and the folders of UCI splits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <cmath>

#include "scalemix/base/error.h"
#include "scalemix/data/array.h"
#include "scalemix/data/bytes.h"
#include "scalemix/data/cifar.h"
#include "scalemix/data/idx.h"
#include "scalemix/data/npy.h"
#include "scalemix/data/uci.h"
#include "tests/data/temp_folder.h"

namespace scalemix::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string npy(const std::string& dictionary, const std::string& values) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dictionary.size());
  bytes += '\0';
  return bytes + dictionary + values;
}

TEST(Npy, RoundTrips) {
  const Array x{{2, 3}, false, {1, -2.5f, 3, 4, 5, 6e-3f}}, y{{2}, true, {-7, 1 << 24}};
  EXPECT_EQ(parse_npy(format_npy(x), "x").values, x.values);
  EXPECT_EQ(parse_npy(format_npy(x), "x").shape, x.shape);
  EXPECT_EQ(parse_npy(format_npy(y), "y").values, y.values);
  EXPECT_TRUE(parse_npy(format_npy(y), "y").integer);
  EXPECT_EQ(format_npy(x).find('\n') % 64, 63u);  // values start at a multiple of 64
}

TEST(Npy, ReadsTypesOrdersAndByteOrders) {
  const auto values = [](const std::string& type, const std::string& bytes,
                         const char* order = "False") {
    return parse_npy(
               npy("{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': (2, 2), }",
                   bytes),
               "a")
        .values;
  };
  EXPECT_THAT(values("|u1", "\x01\x02\x03\xff"), ElementsAre(1, 2, 3, 255));
  EXPECT_THAT(values("|i1", "\x01\x02\x03\xff"), ElementsAre(1, 2, 3, -1));
  EXPECT_THAT(values("|u1", "\x01\x02\x03\x04", "True"), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(values(">i2", std::string("\0\1\1\0\xff\xff\0\0", 8)), ElementsAre(1, 256, -1, 0));
  EXPECT_THAT(values(">f4", std::string("\x3f\x80\0\0\x40\0\0\0\xbf\x80\0\0\0\0\0\0", 16)),
              ElementsAre(1, 2, -1, 0));
}

TEST(Npy, ReadsHeadersAsPythonWroteThem) {
  for (const char* header : {"{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 2L), }",
                             "{\"descr\": \"<f4\", \"fortran_order\": False, \"shape\": (2, 2)}",
                             "{'shape' : (2 , 2 ,),'fortran_order':False,'descr':u'<f4'}",
                             "{ 'descr':'<f4',\n 'shape':[2,2], 'fortran_order': 0}"}) {
    const Array a = parse_npy(
        npy(header, std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40", 16)), "a");
    EXPECT_THAT(a.shape, ElementsAre(2, 2)) << header;
    EXPECT_THAT(a.values, ElementsAre(1, 2, 3, 4)) << header;
  }
  const auto bad = [](const char* shape) {
    return message_of<DataError>([&] {
      parse_npy(npy(std::string("{'descr': '<f4', 'fortran_order': False, 'shape': ") + shape + "}",
                    "1234"),
                "a");
    });
  };
  for (const char* shape : {"(1X,)", "(-1,)", "(1 1)", "(a,)", "1"}) {
    EXPECT_THAT(bad(shape), HasSubstr("shape")) << shape;
  }
}

TEST(Npy, ReadsHalves) {
  const Array a = parse_npy(npy("{'descr': '<f2', 'fortran_order': False, 'shape': (5,), }",
                                std::string("\x00\x3c\x01\x00\x00\xc0\x55\x35\xff\x7b", 10)),
                            "a");
  EXPECT_THAT(a.values, ElementsAre(1, std::ldexp(1.0f, -24), -2, 0.333251953125f, 65504));
}

TEST(Npy, RefusesWhatIsDamaged) {
  const auto error = [](const std::string& bytes) {
    return message_of<DataError>([&] { parse_npy(bytes, "a.npy"); });
  };
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }";
  EXPECT_THAT(error("not a NumPy file"), HasSubstr("wrong magic"));
  EXPECT_THAT(error(npy(good, "123")), HasSubstr("shape (1) asks for 4 bytes of values, got 3"));
  EXPECT_THAT(error(npy(good, "12345")), HasSubstr("got 5"));
  EXPECT_THAT(error(npy(good, "1234").substr(0, 20)), HasSubstr("header is longer than the file"));
  EXPECT_THAT(error(npy("{'descr': '<f4', 'fortran_order': False}", "1234")),
              HasSubstr("no 'shape':"));
  EXPECT_THAT(
      error(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
                "1234")),
      HasSubstr("more values than the file holds"));
  EXPECT_THAT(error(npy("{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", "1234")),
              HasSubstr("got '<U3'"));
  EXPECT_THAT(
      error(npy("{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }", "\x01\x01\x01\x7f")),
      HasSubstr("not exact in float"));
}

TEST(Npz, RoundTripsAndChecksItself) {
  const std::map<std::string, Array> arrays = {{"x", {{2, 2}, false, {1, 2, 3, 4}}},
                                               {"y", {{2}, true, {0, 1}}}};
  const std::string bytes = format_npz(arrays);
  const Arrays back = arrays_of_npz(bytes, "a.npz");
  EXPECT_EQ(back.x.values, arrays.at("x").values);
  ASSERT_TRUE(back.y);
  EXPECT_EQ(back.y->values, arrays.at("y").values);
  for (std::size_t cut = 0; cut < bytes.size(); cut += 7) {
    EXPECT_THROW(parse_npz(bytes.substr(0, cut), "a.npz"), DataError) << cut;
  }
  std::string flipped = bytes;
  flipped[30 + 5 + 130] ^= 1;  // in the values of x
  EXPECT_THAT(message_of<DataError>([&] { parse_npz(flipped, "a.npz"); }),
              HasSubstr("checksum is wrong"));
  EXPECT_THAT(message_of<DataError>([&] {
                arrays_of_npz(format_npz({{"z", arrays.at("y")}}), "a.npz");
              }),
              HasSubstr("expected an array x (or X, data), got z"));
}

/// A zip archive of stored members.
std::string npz_of(const std::map<std::string, std::string>& members) {
  std::string out, directory;
  const auto put = [](std::string& to, std::size_t value, int size) {
    for (int k = 0; k < size; ++k) to += static_cast<char>(k < 8 ? value >> (8 * k) & 255 : 0);
  };
  for (const auto& [key, content] : members) {
    const std::string name = key + ".npy";
    std::string fields;
    put(fields, 20, 2 + 2 + 2 + 2 + 2);  // version; no flags, stored, no time
    put(fields, crc32_z(0, reinterpret_cast<const unsigned char*>(content.data()), content.size()),
        4);
    put(fields, content.size(), 4);
    put(fields, content.size(), 4);
    put(fields, name.size(), 2);
    put(fields, 0, 2);
    directory += "PK\x01\x02";
    put(directory, 20, 2);
    directory += fields;
    put(directory, 0, 2 + 2 + 2 + 4);
    put(directory, out.size(), 4);
    directory += name;
    out += "PK\x03\x04" + fields + name + content;
  }
  const std::size_t start = out.size();
  out += directory + "PK\x05\x06";
  put(out, 0, 4);
  put(out, members.size(), 2);
  put(out, members.size(), 2);
  put(out, directory.size(), 4);
  put(out, start, 4);
  put(out, 0, 2);
  return out;
}

TEST(Npz, LeavesOtherArraysAloneAndReadsClassesByName) {
  const auto texts = [](const char* type, std::string values) {
    return npy(std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (4,), }",
               std::move(values));
  };
  const std::string bytes = npz_of({{"feature_names", texts("|S1", "abcd")},
                                    {"records", "no array at all"},
                                    {"x", format_npy({{4, 4}, false, std::vector<float>(16, 1)})},
                                    {"y", texts("|S3", "catdogcateel")}});
  const Arrays a = arrays_of_npz(bytes, "a.npz");
  EXPECT_THAT(a.x.shape, ElementsAre(4, 4));
  EXPECT_THAT(a.texts, ElementsAre("cat", "dog", "cat", "eel"));
  const Dataset data = dataset_of(a, {});
  EXPECT_THAT(data.classes, ElementsAre("cat", "dog", "eel"));
  EXPECT_THAT(data.label, ElementsAre(0, 1, 0, 2));
  OpenOptions regression;
  regression.task = Task::regression;
  EXPECT_THROW(dataset_of(a, regression), DataError);
}

TEST(Npy, ReadsTextsOfBothKinds) {
  const auto read = [](const char* type, const std::string& values) {
    return parse_npy_texts(
        npy(std::string("{'descr': '") + type + "', 'fortran_order': False, 'shape': (2,), }",
            values),
        "a");
  };
  EXPECT_THAT(read("<U2", std::string("a\0\0\0\0\0\0\0\xe9\0\0\0b\0\0\0", 16)),
              ElementsAre("a",
                          "\xC3\xA9"
                          "b"));
  EXPECT_THAT(read(">U1", std::string("\0\0\0a\0\0\0b", 8)), ElementsAre("a", "b"));
  EXPECT_TRUE(read("<f4", "12345678").empty());
  EXPECT_THROW(read("<U1", std::string("a\0\x7f\0\0\0\0\x7f", 8)), DataError);
  EXPECT_THROW(read("<U2", "1234"), DataError);
}

TEST(Arrays, OfImagesWithChannelsLastAreNoted) {
  const auto notes = [](std::vector<std::size_t> shape) {
    Arrays a;
    std::size_t n = 1;
    for (const std::size_t axis : shape) n *= axis;
    a.x = {shape, false, std::vector<float>(n, 0)};
    a.y = Array{{shape[0]}, true, std::vector<float>(shape[0], 0)};
    a.y->values[0] = 1;
    return dataset_of(a, {}).notes;
  };
  EXPECT_THAT(notes({2, 8, 8, 3}), ElementsAre(HasSubstr("np.moveaxis(x, 3, 1)")));
  EXPECT_EQ(notes({2, 9, 8, 1}).size(), 1u);
  EXPECT_TRUE(notes({2, 3, 8, 8}).empty());
  EXPECT_TRUE(notes({2, 3, 3, 3}).empty());
  EXPECT_TRUE(notes({2, 16, 4, 4}).size() == 1u);
}

TEST(Arrays, OfDoublesFarFromZeroStayApart) {
  Arrays a;
  a.x = {{50, 2}, false, {}};
  for (int i = 0; i < 50; ++i) {
    for (const double v : {1700000000.0 + i, 2.0 * i}) {
      a.wide.push_back(v);
      a.x.values.push_back(static_cast<float>(v));
    }
  }
  const Dataset data = dataset_of(a, {});
  EXPECT_EQ(data.x[49], 49);
  EXPECT_THAT(data.origin, ElementsAre(1700000000.0));
  const Encoded fresh = encode(a, schema_from_text(data.schema), {Target::ignored, false});
  EXPECT_EQ(fresh.x[49], 49);
}

// Written by NumPy 2.4.6: np.savez_compressed(x=np.arange(4, dtype='f8').reshape(2, 2),
// y=np.array([0, 1])).
TEST(Npz, ReadsWhatNumPyCompressed) {
  const unsigned char bytes[] = {
      80,  75,  3,   4,   45,  0,   0,   0,   8,   0,   0,   0,   33,  0,   163, 32,  136, 132, 255,
      255, 255, 255, 255, 255, 255, 255, 5,   0,   20,  0,   120, 46,  110, 112, 121, 1,   0,   16,
      0,   160, 0,   0,   0,   0,   0,   0,   0,   81,  0,   0,   0,   0,   0,   0,   0,   155, 236,
      23,  234, 27,  16,  201, 200, 80,  198, 80,  173, 158, 146, 90,  156, 92,  164, 110, 165, 160,
      110, 147, 102, 161, 174, 163, 160, 158, 150, 95,  84,  82,  148, 152, 23,  159, 95,  148, 146,
      10,  18,  119, 75,  204, 41,  78,  5,   138, 23,  103, 36,  22,  164, 2,   249, 26,  70,  58,
      10,  70,  154, 58,  10,  181, 10,  100, 3,   46,  6,   20,  240, 193, 30,  202, 112, 128, 80,
      28,  14,  0,   80,  75,  3,   4,   45,  0,   0,   0,   8,   0,   0,   0,   33,  0,   126, 106,
      251, 201, 255, 255, 255, 255, 255, 255, 255, 255, 5,   0,   20,  0,   121, 46,  110, 112, 121,
      1,   0,   16,  0,   144, 0,   0,   0,   0,   0,   0,   0,   73,  0,   0,   0,   0,   0,   0,
      0,   155, 236, 23,  234, 27,  16,  201, 200, 80,  198, 80,  173, 158, 146, 90,  156, 92,  164,
      110, 165, 160, 110, 147, 105, 161, 174, 163, 160, 158, 150, 95,  84,  82,  148, 152, 23,  159,
      95,  148, 146, 10,  18,  119, 75,  204, 41,  78,  5,   138, 23,  103, 36,  22,  164, 2,   249,
      26,  70,  58,  154, 58,  10,  181, 10,  20,  0,   46,  6,   40,  96,  132, 210, 0,   80,  75,
      1,   2,   45,  3,   45,  0,   0,   0,   8,   0,   0,   0,   33,  0,   163, 32,  136, 132, 81,
      0,   0,   0,   160, 0,   0,   0,   5,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,
      128, 1,   0,   0,   0,   0,   120, 46,  110, 112, 121, 80,  75,  1,   2,   45,  3,   45,  0,
      0,   0,   8,   0,   0,   0,   33,  0,   126, 106, 251, 201, 73,  0,   0,   0,   144, 0,   0,
      0,   5,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   0,   128, 1,   136, 0,   0,   0,
      121, 46,  110, 112, 121, 80,  75,  5,   6,   0,   0,   0,   0,   2,   0,   2,   0,   102, 0,
      0,   0,   8,   1,   0,   0,   0,   0};
  const Arrays a = arrays_of_npz({reinterpret_cast<const char*>(bytes), sizeof bytes}, "a.npz");
  EXPECT_THAT(a.x.values, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(a.x.shape, ElementsAre(2, 2));
  ASSERT_TRUE(a.y);
  EXPECT_THAT(a.y->values, ElementsAre(0, 1));
}

std::string idx(const std::vector<int>& axes, const std::string& values, int type = 8) {
  std::string bytes = {0, 0, static_cast<char>(type), static_cast<char>(axes.size())};
  for (const int axis : axes)
    bytes += {0, 0, static_cast<char>(axis >> 8), static_cast<char>(axis & 255)};
  return bytes + values;
}

TEST(Idx, ReadsImagesAndLabelsPackedOrNot) {
  const TempFolder folder;
  folder.write("train-images-idx3-ubyte.gz", gzip(idx({3, 1, 2}, "\x01\x02\x03\x04\x05\xff")));
  folder.write("train-labels-idx1-ubyte.gz", gzip(idx({3}, std::string("\0\1\2", 3))));
  folder.write("t10k-images-idx3-ubyte", idx({1, 1, 2}, "\x07\x08"));
  folder.write("t10k-labels-idx1-ubyte", idx({1}, "\x01"));
  EXPECT_TRUE(is_idx_folder(folder.path));
  const Dataset data = open_idx(folder.path);
  EXPECT_THAT(data.shape, ElementsAre(1, 1, 2));
  EXPECT_THAT(data.x, ElementsAre(1, 2, 3, 4, 5, 255, 7, 8));
  EXPECT_THAT(data.label, ElementsAre(0, 1, 2, 1));
  EXPECT_THAT(data.classes, ElementsAre("0", "1", "2"));
  EXPECT_THAT(data.splits.at(0).train, ElementsAre(0, 1, 2));
  EXPECT_THAT(data.splits.at(0).test, ElementsAre(3));
  folder.write("t10k-labels-idx1-ubyte", idx({2}, "\x01\x01"));
  EXPECT_THAT(message_of<DataError>([&] { open_idx(folder.path); }),
              HasSubstr("expected a label for each of 1 images, got 2"));
}

TEST(Idx, RefusesWrongMagicAndWrongCounts) {
  const auto error = [](const std::string& bytes) {
    return message_of<DataError>([&] { parse_idx(bytes, "f"); });
  };
  EXPECT_EQ(error(idx({1}, "1", 9)),
            "f: IDX file: expected magic number 0x0801 (labels) to 0x0804, got 0x0901");
  EXPECT_THAT(error("PNG!"), HasSubstr("got 0x504e4721"));
  EXPECT_THAT(error("ab"), HasSubstr("at least 4 bytes"));
  EXPECT_THAT(error(idx({3}, "12")), HasSubstr("asks for 3 values, got 2"));
  EXPECT_THAT(error(idx({2, 2}, "12345")), HasSubstr("asks for 2 x 2 values, got 5"));
  EXPECT_THAT(error(idx({3, 3, 3}, "").substr(0, 9)), HasSubstr("ends within its header"));
  EXPECT_THAT(error(idx({65535, 65535, 65535, 65535}, "1")), HasSubstr("got 1"));
}

TEST(Cifar, ReadsRecords) {
  const TempFolder folder;
  std::string record(3073, '\x05');
  record[0] = 9;
  record[1] = '\xff';
  const std::string file = folder.write("data_batch_1.bin", record + std::string(3073, '\0'));
  const Dataset one = open_cifar(file);
  EXPECT_THAT(one.label, ElementsAre(9, 0));
  EXPECT_EQ(one.x[0], 255);
  EXPECT_EQ(one.x[3072], 0);
  EXPECT_EQ(one.classes[9], "truck");
  for (int i = 2; i <= 5; ++i) folder.write("data_batch_" + std::to_string(i) + ".bin", record);
  folder.write("test_batch.bin", record);
  const Dataset all = open_cifar(folder.path);
  EXPECT_EQ(all.splits.at(0).train.size(), 6u);
  EXPECT_THAT(all.splits.at(0).test, ElementsAre(6));
}

TEST(Cifar, RefusesPartsOfRecordsAndUnknownLabels) {
  const TempFolder folder;
  const std::string cut = folder.write("cut.bin", std::string(3072, '\0'));
  EXPECT_THAT(message_of<DataError>([&] { open_cifar(cut); }),
              HasSubstr("whole records of 3073 bytes, got 3072"));
  const std::string label = folder.write("label.bin", std::string(3073, '\x0a'));
  EXPECT_THAT(message_of<DataError>([&] { open_cifar(label); }),
              HasSubstr("record 0: expected a label 0 to 9, got 10"));
  folder.write("data_batch_1.bin", std::string(3073, '\0'));
  EXPECT_THROW(open_cifar(folder.path), FileError);
}

class Uci : public testing::Test {
 protected:
  Uci() {
    folder.write("data.txt", " 1.0 \t2 10\n 3 4\t 20 \n5 6 30\n");
    folder.write("index_features.txt", "0\n1\n");
    folder.write("index_target.txt", "2\n");
    folder.write("n_splits.txt", "1\n");
    folder.write("index_train_0.txt", "2\n0\n");
    folder.write("index_test_0.txt", "1\n");
  }
  std::string error() {
    return message_of<DataError>([&] { open_uci(folder.path); });
  }

  const TempFolder folder;
};

TEST_F(Uci, ReadsDataAndSplits) {
  ASSERT_TRUE(is_uci_folder(folder.path));
  const Dataset data = open_uci(folder.path);
  EXPECT_THAT(data.x, ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(data.y, ElementsAre(10, 20, 30));
  EXPECT_THAT(data.splits.at(0).train, ElementsAre(2, 0));
  EXPECT_THAT(data.splits.at(0).test, ElementsAre(1));
}

TEST_F(Uci, RefusesASplitWithZeroRows) {
  folder.write("index_test_0.txt", "");
  EXPECT_THAT(error(), HasSubstr("index_test_0.txt: the split has zero rows"));
}

TEST_F(Uci, RefusesRowsAndColumnsThatAreNotThere) {
  folder.write("index_test_0.txt", "1\n3\n");
  EXPECT_THAT(error(),
              HasSubstr("index_test_0.txt:2:1: expected a whole number from 0 to 2, got '3'"));
  folder.write("index_test_0.txt", "1\n2\n");
  EXPECT_THAT(error(), HasSubstr("row 2 is in training and in test"));
  folder.write("index_features.txt", "0\n7\n");
  EXPECT_THAT(error(),
              HasSubstr("index_features.txt:2:1: expected a whole number from 0 to 2, got '7'"));
}

TEST_F(Uci, RefusesASplitThatIsNotThere) {
  folder.write("n_splits.txt", "2\n");
  EXPECT_THROW(open_uci(folder.path), FileError);
}

}  // namespace
}  // namespace scalemix::data
