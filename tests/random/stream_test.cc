#include "scalemix/random/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <set>
#include <stdexcept>

namespace scalemix {
namespace {

using Counter = std::array<std::uint32_t, 4>;

// Known answers published with Random123 (Salmon et al. 2011), kat_vectors, philox4x32 with 10
// rounds.
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Stream, LaysTheCounterOutAsDocumented) {
  const Stream s{0x0123456789abcdef, 0xaabbccdd, 0x11223344};
  const std::uint64_t index = 0x5566778899;
  EXPECT_EQ(s.block(index),
            philox({0x66778899, 0x55, 0xaabbccdd, 0x11223344}, {0x89abcdef, 0x01234567}));
  for (std::uint64_t i = 0; i < 4; ++i) EXPECT_EQ(s.word(4 * index + i), s.block(index)[i]);
}

TEST(Stream, DiffersInEveryPartOfItsAddress) {
  const Stream s{7, 8, 9};
  std::set<std::uint32_t> words = {s.word(1000)};
  for (const Stream other : {Stream{6, 8, 9}, Stream{7 + (std::uint64_t{1} << 32), 8, 9},
                             Stream{7, 9, 9}, Stream{7, 8, 10}}) {
    words.insert(other.word(1000));
  }
  words.insert(s.word(1001));
  words.insert(s.word(1000 + (std::uint64_t{1} << 34)));
  EXPECT_EQ(words.size(), 7u);
}

TEST(Stream, NumbersAPurposeAndASite) {
  EXPECT_EQ(stream_id(Purpose::train, 5), 5u);
  EXPECT_EQ(stream_id(Purpose::predict, 5), 0x10000005u);
  EXPECT_EQ(stream_id(Purpose::generate, 0x0fffffff), 0x5fffffffu);
}

TEST(Stream, RefusesASiteOfMoreThan28Bits) {
  EXPECT_THROW(stream_id(Purpose::train, 1u << 28), std::domain_error);
}

TEST(Uniform, IsOpenAtBothEndsInFloatToo) {
  EXPECT_EQ(uniform_of(0), 0x1p-24);
  EXPECT_EQ(uniform_of(0xffffffff), 1 - 0x1p-24);
  EXPECT_GT(static_cast<float>(uniform_of(0)), 0.0f);
  EXPECT_LT(static_cast<float>(uniform_of(0xffffffff)), 1.0f);
}

TEST(Uniform, IsExactInFloat) {
  const Stream s{1, 2, 3};
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const double u = s.uniform(i);
    ASSERT_EQ(static_cast<double>(static_cast<float>(u)), u) << "element " << i;
  }
}

TEST(Uniform, UsesTheUpper23Bits) {
  EXPECT_EQ(uniform_of(511), uniform_of(0));
  EXPECT_EQ(uniform_of(512) - uniform_of(511), 0x1p-23);
}

}  // namespace
}  // namespace scalemix
