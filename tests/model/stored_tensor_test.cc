#include "scalemix/model/stored_tensor.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace scalemix::model {
namespace {

using ::testing::HasSubstr;

/// (rows, columns), of which `keep` of 1000 are not zero.
Tensor weights(std::size_t rows, std::size_t columns, std::size_t keep) {
  std::vector<float> w(rows * columns);
  for (std::size_t i = 0; i < w.size(); ++i) {
    const std::size_t h = (i * 2654435761u + 12345u) % 4294967296u;
    if (h / 4096 % 1000 < keep) w[i] = static_cast<float>(std::sin(0.37 * double(i)) + 1.1);
  }
  return Tensor::of({rows, columns}, w);
}

std::size_t bytes_of(const Stored& stored) {
  std::size_t out = 0;
  for (const auto& [name, tensor] : stored.tensors) out += tensor.bytes.size();
  return out;
}

std::map<std::string, Tensor> again(const Stored& stored, const Shape& shape) {
  return dense_tensors(stored.tensors, {{"a.weight", shape}});
}

std::string refusal(std::map<std::string, Tensor> stored, const Shape& shape) {
  try {
    dense_tensors(std::move(stored), {{"a.weight", shape}});
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

Tensor bytes(const char* dtype, const std::vector<int>& numbers) {
  Tensor out{dtype, {numbers.size()}, {}};
  for (const int n : numbers) out.bytes.push_back(static_cast<std::byte>(n));
  return out;
}

TEST(Half, EveryHalfIsItsOwnRounding) {
  for (std::uint32_t h = 0; h < 65536; ++h) {
    const auto half = static_cast<std::uint16_t>(h);
    if ((h & 0x7c00u) == 0x7c00u && (h & 0x3ffu) != 0) {
      EXPECT_TRUE(std::isnan(float_of(half)));
    } else {
      EXPECT_EQ(half_of(float_of(half)), half);
    }
  }
}

/// Goldens of IEEE 754: the largest, the smallest, ties to even.
TEST(Half, RoundsToNearestEven) {
  EXPECT_EQ(float_of(0x3c00), 1.0f);
  EXPECT_EQ(float_of(0x7bff), 65504.0f);
  EXPECT_EQ(float_of(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(float_of(0xc000), -2.0f);
  EXPECT_EQ(half_of(65519.0f), 0x7bff);
  EXPECT_EQ(half_of(65520.0f), 0x7c00);
  EXPECT_EQ(half_of(1 + std::ldexp(1.0f, -11)), 0x3c00);
  EXPECT_EQ(half_of(1 + 3 * std::ldexp(1.0f, -11)), 0x3c02);
  EXPECT_EQ(half_of(2047.6f / 2048), 0x3c00);
  EXPECT_EQ(half_of(std::ldexp(1.0f, -25)), 0);
  EXPECT_EQ(half_of(std::ldexp(1.5f, -25)), 1);
  EXPECT_EQ(half_of(-0.0f), 0x8000);
  EXPECT_EQ(half_of(std::numeric_limits<float>::infinity()), 0x7c00);
}

TEST(StoredTensor, ZerosAreLeftOutAndComeBack) {
  for (const std::size_t keep : {0, 1, 20, 100, 400, 600, 900, 1000}) {
    const Tensor w = weights(37, 101, keep);
    const Stored stored = store_tensors({{"a.weight", w}}, {});
    const auto back = again(stored, w.shape);
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back.at("a.weight").floats(), w.floats()) << keep;
    EXPECT_EQ(back.at("a.weight").shape, w.shape);
    EXPECT_EQ(stored.features.count("sparse") == 1, keep < 500) << keep;
    EXPECT_LE(bytes_of(stored), w.bytes.size());
  }
}

/// 98 % zeros: at most 1/20 of the dense bytes, and 1/40 rounded.
TEST(StoredTensor, TwoPercentTakeOneTwentiethOfTheBytes) {
  const Tensor w = weights(500, 500, 20);
  EXPECT_LE(20 * bytes_of(store_tensors({{"a.weight", w}}, {})), w.bytes.size());
  for (const Store store : {Store::float16, Store::int8}) {
    EXPECT_LE(40 * bytes_of(store_tensors({{"a.weight", w}}, {.store = store})), w.bytes.size());
  }
}

TEST(StoredTensor, RoundedWeightsAreWithinTheirStep) {
  for (const std::size_t keep : {30, 1000}) {
    const Tensor w = weights(11, 91, keep);
    const std::vector<float> exact = w.floats();
    for (const bool sparse : {false, true}) {
      const auto half = again(store_tensors({{"a.weight", w}}, {Store::float16, sparse}), w.shape)
                            .at("a.weight")
                            .floats();
      const auto coarse = again(store_tensors({{"a.weight", w}}, {Store::int8, sparse}), w.shape)
                              .at("a.weight")
                              .floats();
      ASSERT_EQ(half.size(), exact.size());
      for (std::size_t o = 0; o < 11; ++o) {
        float most = 0;
        for (std::size_t i = o * 91; i < (o + 1) * 91; ++i) most = std::max(most, exact[i]);
        for (std::size_t i = o * 91; i < (o + 1) * 91; ++i) {
          EXPECT_NEAR(half[i], exact[i], std::ldexp(exact[i], -11) + 1e-8);
          EXPECT_NEAR(coarse[i], exact[i], most / 254 * 1.0001);
          EXPECT_EQ(exact[i] == 0, half[i] == 0);
        }
      }
    }
  }
}

TEST(StoredTensor, OnlyMatricesOfWeightsAreRounded) {
  const Tensor b = Tensor::of({3}, std::vector<float>{0.1f, 0.2f, 0});
  const Stored stored = store_tensors({{"a.bias", b}, {"norm.weight", b}}, {.store = Store::int8});
  EXPECT_TRUE(stored.features.empty());
  EXPECT_EQ(stored.tensors.at("a.bias").floats(), b.floats());
  EXPECT_EQ(stored.tensors.at("norm.weight").floats(), b.floats());
}

TEST(StoredTensor, WhatDoesNotFitAHalfIsRefused) {
  Tensor w = Tensor::of({1, 2}, std::vector<float>{1, 70000});
  EXPECT_THROW(store_tensors({{"a.weight", w}}, {.store = Store::float16}), std::domain_error);
  EXPECT_NO_THROW(store_tensors({{"a.weight", w}}, {.store = Store::int8}));
}

TEST(StoredTensor, PartsThatDoNotFitAreRefused) {
  const Tensor one = Tensor::of({1}, std::vector<float>{5});
  const auto sparse = [&](const Tensor& values, const Tensor& gaps) {
    return std::map<std::string, Tensor>{{"a.weight#values", values}, {"a.weight#gaps", gaps}};
  };
  EXPECT_EQ(refusal(sparse(one, bytes("U8", {3})), {2, 2}), "");
  EXPECT_THAT(refusal(sparse(one, bytes("U8", {4})), {2, 2}), HasSubstr("do not fit its shape"));
  EXPECT_THAT(refusal(sparse(one, bytes("U8", {0, 0})), {2, 2}), HasSubstr("do not fit its shape"));
  EXPECT_THAT(refusal(sparse(one, bytes("U8", {255, 0})), {2, 2}),
              HasSubstr("do not fit its shape"));
  EXPECT_THAT(refusal(sparse(one, bytes("U8", {255})), {2, 2}), HasSubstr("do not fit its shape"));
  EXPECT_THAT(refusal(sparse(one, one), {2, 2}), HasSubstr("expected U8"));
  EXPECT_THAT(refusal({{"a.weight#gaps", bytes("U8", {0})}}, {2, 2}), HasSubstr("no #values"));
  EXPECT_THAT(refusal(sparse(bytes("I8", {1}), bytes("U8", {0})), {2, 2}), HasSubstr("not both"));
  EXPECT_THAT(refusal(sparse(bytes("U8", {1}), bytes("U8", {0})), {2, 2}),
              HasSubstr("expected F32, F16 or I8"));
  auto twice = sparse(one, bytes("U8", {0}));
  twice.emplace("a.weight", Tensor::of({2, 2}, std::vector<float>(4)));
  EXPECT_THAT(refusal(twice, {2, 2}), HasSubstr("stored twice"));
  auto scaled = sparse(bytes("I8", {1}), bytes("U8", {0}));
  scaled.emplace("a.weight#scale", one);
  EXPECT_THAT(refusal(scaled, {2, 2}), HasSubstr("one number per slice"));
  EXPECT_THAT(refusal({{"a.weight", bytes("I8", {1, 2, 3, 4})}}, {2, 2}), HasSubstr("not both"));
}

/// A few bytes never become a gigabyte.
TEST(StoredTensor, ASmallFileIsNotMadeLarge) {
  const std::map<std::string, Tensor> stored{
      {"a.weight#values", Tensor::of({0}, std::vector<float>{})},
      {"a.weight#gaps", bytes("U8", {255})}};
  EXPECT_THAT(refusal(stored, {20000, 20000}), HasSubstr("more than it may hold"));
  EXPECT_EQ(refusal(stored, {20, 20}), "");
}

}  // namespace
}  // namespace scalemix::model
