#include "scalemix/model/safetensors.h"

#include <gmock/gmock.h>

#include <cstring>

#include "scalemix/base/error.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using testing::HasSubstr;

Container sample() {
  Container out;
  out.tensors["a"] = Tensor::of({2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6});
  out.tensors["b"] = Tensor::of({2}, std::vector<double>{0.5, -0.5});
  out.tensors["c"] = Tensor::of({}, std::vector<std::int64_t>{-7});
  out.tensors["empty"] = Tensor::of({0, 4}, std::vector<float>{});
  out.metadata["note"] = "\"quoted\"\n and \xc3\xa9";
  return out;
}

/// A file of any header and data.
std::string file_of(const std::string& header, std::size_t data) {
  const std::uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data, '\1');
}

std::string refusal(const std::string& bytes) {
  const Folder folder;
  const std::string path = folder.file("bad.safetensors");
  write_bytes(path, bytes);
  const std::string message = message_of<DataError>([&] { read_safetensors(path); });
  EXPECT_THAT(message, HasSubstr("bad.safetensors: "));
  return message;
}

TEST(Safetensors, ReadsBackWhatItWrote) {
  const Folder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, sample());
  const Container got = read_safetensors(path);
  EXPECT_EQ(got.metadata, sample().metadata);
  ASSERT_EQ(got.tensors.size(), 4u);
  EXPECT_EQ(got.tensors.at("a").floats(), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(got.tensors.at("a").shape, (Shape{2, 3}));
  EXPECT_EQ(got.tensors.at("b").doubles(), (std::vector<double>{0.5, -0.5}));
  EXPECT_EQ(got.tensors.at("c").integers(), std::vector<std::int64_t>{-7});
  EXPECT_EQ(got.tensors.at("c").count(), 1u);
  EXPECT_TRUE(got.tensors.at("empty").floats().empty());
  EXPECT_THROW(got.tensors.at("a").doubles(), std::invalid_argument);
}

TEST(Safetensors, TheLayoutIsThePublishedOne) {
  const Folder folder;
  const std::string path = folder.file("x.safetensors");
  Container one;
  one.tensors["w"] = Tensor::of({1}, std::vector<float>{1});
  write_safetensors(path, one);
  const std::string header = R"({"w":{"data_offsets":[0,4],"dtype":"F32","shape":[1]}})";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(bytes_of(path), file_of(padded, 0) + std::string("\0\0\x80\x3f", 4));
}

TEST(Safetensors, AnEmptyContainerIsAFile) {
  const Folder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, {});
  EXPECT_TRUE(read_safetensors(path).tensors.empty());
}

TEST(Safetensors, EveryTruncationIsRefused) {
  const Folder folder;
  const std::string path = folder.file("x.safetensors");
  write_safetensors(path, sample());
  const std::string bytes = bytes_of(path);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    write_bytes(path, bytes.substr(0, n));
    EXPECT_THROW(read_safetensors(path), DataError) << n << " of " << bytes.size();
  }
  write_bytes(path, bytes + "x");
  EXPECT_THROW(read_safetensors(path), DataError);
}

TEST(Safetensors, HeaderLengthsBeyondTheFileAreRefused) {
  const auto claiming = [](std::uint64_t length) {
    std::string bytes = file_of("{}", 0);
    std::memcpy(bytes.data(), &length, 8);
    return refusal(bytes);
  };
  for (const std::uint64_t length : {std::uint64_t{3}, std::uint64_t{100'000'000}}) {
    EXPECT_THAT(claiming(length), HasSubstr("the header claims " + std::to_string(length)));
  }
  for (const std::uint64_t length :
       {std::uint64_t{100'000'001}, std::uint64_t{1} << 60, ~std::uint64_t{0}}) {
    EXPECT_THAT(claiming(length), HasSubstr("is not a model file (safetensors)"));
    EXPECT_THAT(claiming(length), HasSubstr(std::to_string(length)));
  }
}

TEST(Safetensors, HeadersThatAreNotTheFormatAreRefused) {
  EXPECT_THAT(refusal(file_of("{\"a\": ", 0)), HasSubstr("the header is not JSON"));
  EXPECT_THAT(refusal(file_of("[]", 0)), HasSubstr("the header is not an object"));
  EXPECT_THAT(refusal(file_of(std::string(100000, '['), 0)), HasSubstr("not JSON"));
  EXPECT_THAT(refusal(file_of(R"({"__metadata__": {"a": 1}})", 0)), HasSubstr("a is not a text"));
  EXPECT_THAT(refusal(file_of(R"({"a": {"dtype": "F32", "shape": [1]}})", 4)),
              HasSubstr("expected dtype, shape and data_offsets"));
}

std::string tensor(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype": ")" + dtype + R"(", "shape": )" + shape + R"(, "data_offsets": )" + offsets +
         "}";
}

std::string one(const std::string& dtype, const std::string& shape, const std::string& offsets,
                std::size_t data) {
  return refusal(file_of("{\"a\": " + tensor(dtype, shape, offsets) + "}", data));
}

TEST(Safetensors, TensorsOutsideTheFileAreRefused) {
  EXPECT_THAT(one("F32", "[2]", "[0, 8]", 4), HasSubstr("lie outside the 4 bytes"));
  EXPECT_THAT(one("F32", "[2]", "[18446744073709551608, 18446744073709551615]", 8),
              HasSubstr("outside"));
  EXPECT_THAT(one("F32", "[2]", "[8, 0]", 8), HasSubstr("outside"));
  EXPECT_THAT(one("F32", "[2]", "[-8, 0]", 8), HasSubstr("expected whole numbers"));
  EXPECT_THAT(one("F32", "[2]", "[0.0, 8]", 8), HasSubstr("expected whole numbers"));
  EXPECT_THAT(one("F32", "[2]", "[0, 4, 8]", 8), HasSubstr("outside"));
  EXPECT_THAT(one("F32", "[1]", "[4, 8]", 8), HasSubstr("overlap or leave a gap"));
  EXPECT_THAT(one("F32", "[1]", "[0, 4]", 8), HasSubstr("8 bytes of data, the tensors use 4"));
}

TEST(Safetensors, ShapesThatDoNotMatchOrOverflowAreRefused) {
  EXPECT_THAT(one("F32", "[3]", "[0, 8]", 8), HasSubstr("does not match its 8 bytes"));
  EXPECT_THAT(one("F32", "[4294967296, 4294967296]", "[0, 0]", 0), HasSubstr("does not match"));
  EXPECT_THAT(one("F32", "[4611686018427387904]", "[0, 0]", 0), HasSubstr("does not match"));
  EXPECT_THAT(one("F32", "[-1]", "[0, 4]", 4), HasSubstr("expected whole numbers"));
  EXPECT_THAT(one("F33", "[1]", "[0, 4]", 4), HasSubstr("unknown dtype 'F33'"));
}

TEST(Safetensors, OverlapsAndNamesThatStandTwiceAreRefused) {
  const std::string first = tensor("F32", "[2]", "[0, 8]"),
                    second = tensor("F32", "[2]", "[4, 12]");
  EXPECT_THAT(refusal(file_of("{\"a\": " + first + ", \"b\": " + second + "}", 12)),
              HasSubstr("tensor 'b' starts at 4, expected 8"));
  EXPECT_THAT(refusal(file_of("{\"a\": " + first + ", \"a\": " + first + "}", 8)),
              HasSubstr("the name 'a' stands twice"));
}

TEST(Safetensors, WritingRefusesTensorsThatContradictThemselves) {
  const Folder folder;
  const std::string path = folder.file("x.safetensors");
  for (const char* change : {"shape", "dtype", "name"}) {
    Container bad = sample();
    if (std::string(change) == "shape") bad.tensors["a"].shape = {7};
    if (std::string(change) == "dtype") bad.tensors["a"].dtype = "F16";
    if (std::string(change) == "name") bad.tensors["__metadata__"] = bad.tensors["a"];
    EXPECT_THROW(write_safetensors(path, bad), std::invalid_argument) << change;
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_THROW(Tensor::of({3}, std::vector<float>{1}), std::invalid_argument);
}

TEST(Safetensors, FilesThatCannotBeReadOrWrittenSaySo) {
  const Folder folder;
  const auto message = [](const std::string& path) {
    return message_of<FileError>([&] { read_safetensors(path); });
  };
  EXPECT_THAT(message(folder.file("none")), HasSubstr("no such file"));
  EXPECT_THAT(message(folder.file("")), HasSubstr("is a folder"));
  EXPECT_THROW(write_safetensors(folder.file("none/x"), sample()), FileError);
}

}  // namespace
}  // namespace scalemix::model
