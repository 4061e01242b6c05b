#include "scalemix/base/sha256.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

#include "scalemix/base/error.h"

namespace scalemix {
namespace {

// Vectors of FIPS 180-4's example document (one and two blocks), the empty message and the million
// a's.
TEST(Sha256, EqualsThePublishedVectors) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, DoesNotDependOnHowTheBytesAreCut) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  for (const std::size_t piece : {1, 3, 55, 56, 63, 64, 65, 128, 299}) {
    Sha256 digest;
    for (std::size_t at = 0; at < text.size(); at += piece) {
      digest.update(text.data() + at, std::min(piece, text.size() - at));
    }
    EXPECT_EQ(digest.hex(), sha256(text)) << piece;
  }
}

TEST(Sha256, MayContinueAfterADigestWasRead) {
  Sha256 digest;
  digest.update("ab", 2);
  EXPECT_EQ(digest.hex(), sha256("ab"));
  digest.update("c", 1);
  EXPECT_EQ(digest.hex(), sha256("abc"));
}

TEST(Sha256, ReadsFilesAndSaysWhenThereIsNone) {
  const std::string path = testing::TempDir() + "scalemix_sha256_test";
  std::ofstream(path, std::ios::binary) << "abc";
  EXPECT_EQ(sha256_file(path), sha256("abc"));
  std::remove(path.c_str());
  try {
    sha256_file(path);
    FAIL() << "a missing file was read";
  } catch (const FileError& e) {
    EXPECT_TRUE(e.missing);
    EXPECT_EQ(e.path, path);
  }
}

}  // namespace
}  // namespace scalemix
