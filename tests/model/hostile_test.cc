// What a small file may ask for: the limits of base/limits.h, held before anything is made.

#include "tests/model/hostile.h"

#include <gmock/gmock.h>

#include <cstdlib>

#include "scalemix/base/error.h"
#include "scalemix/base/json_text.h"
#include "scalemix/base/limits.h"
#include "scalemix/model/model_bytes.h"
#include "scalemix/model/spec_json.h"
#include "tests/model/fixtures.h"

namespace scalemix::model {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// A variable of the environment while this lives.
class Raised {
 public:
  Raised(Limit which, const char* value)
      : name_(kLimits[static_cast<std::size_t>(which)].variable) {
    ::setenv(name_, value, 1);
  }
  ~Raised() { ::unsetenv(name_); }
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;

 private:
  const char* name_;
};

std::string refusal(const std::string& spec) {
  return message_of<std::invalid_argument>([&] { spec_from_json(parse_json(spec)); });
}

void expect_read(const std::string& spec) {
  EXPECT_NO_THROW(spec_from_json(parse_json(spec))) << spec;
}

std::string pooled(const std::string& layers) {
  return spec_text("[1,4,4]",
                   layers + R"(,{"type":"avg_pool","kernel":0,"stride":1},{"type":"flatten"})");
}

std::string conv(std::size_t out, std::size_t kernel, std::size_t stride, std::size_t padding) {
  return R"({"type":"conv2d","in":1,"out":)" + std::to_string(out) + R"(,"kernel":)" +
         std::to_string(kernel) + R"(,"stride":)" + std::to_string(stride) + R"(,"padding":)" +
         std::to_string(padding) + "}";
}

TEST(Hostile, ARowIsBoundedInFrontOfAndBehindEveryLayer) {
  const Raised limit(Limit::numbers, "100");
  expect_read(spec_text("[100]", R"({"type":"linear","in":100,"out":1})"));
  EXPECT_THAT(refusal(spec_text("[101]", R"({"type":"linear","in":101,"out":1})")),
              AllOf(HasSubstr("input asks for 101 numbers"), HasSubstr("SCALEMIX_MAX_NUMBERS")));
  EXPECT_THAT(refusal(spec_text("[1]", R"({"type":"linear","in":1,"out":101},)"
                                       R"({"type":"linear","in":101,"out":1})")),
              HasSubstr("layers[0]: linear1 asks for 101 numbers"));
  expect_read(spec_text("[1]", R"({"type":"linear","in":1,"out":100},)"
                               R"({"type":"linear","in":100,"out":1})"));
  // Inside a residual block too.
  EXPECT_THAT(refusal(spec_text("[1]", R"({"type":"residual","branch":[)"
                                       R"({"type":"linear","in":1,"out":101},)"
                                       R"({"type":"linear","in":101,"out":1}]})")),
              HasSubstr("layers[0].branch[0]: linear1 asks for 101 numbers"));
}

TEST(Hostile, AMarginCountsEvenWhereStridesLeaveFewPlaces) {
  const Raised limit(Limit::numbers, "100");
  expect_read(pooled(conv(1, 1, 1, 3)));                                     // 10 x 10
  EXPECT_THAT(refusal(pooled(conv(1, 1, 1, 4))), HasSubstr("144 numbers"));  // 12 x 12
  EXPECT_THAT(refusal(pooled(conv(1, 1, 12, 4))), HasSubstr("its margin counted"));
  expect_read(pooled(R"({"type":"max_pool","kernel":6,"stride":6,"padding":3})"));
  EXPECT_THAT(refusal(pooled(R"({"type":"max_pool","kernel":8,"stride":8,"padding":4})")),
              HasSubstr("144 numbers"));
}

TEST(Hostile, SidesOfWindowsAreBounded) {
  const auto pool = [](std::size_t kernel, std::size_t stride) {
    return pooled(R"({"type":"max_pool","kernel":)" + std::to_string(kernel) + R"(,"stride":)" +
                  std::to_string(stride) + "}");
  };
  expect_read(pool(2, kMostSide));
  EXPECT_THAT(refusal(pool(2, kMostSide + 1)), HasSubstr("stride must be in [1, 1048576]"));
  EXPECT_THAT(refusal(pool(kMostSide + 1, 1)), HasSubstr("kernel must be in [0, 1048576]"));
  EXPECT_THAT(refusal(pooled(conv(1, 1, 1, kMostSide + 1))), HasSubstr("padding must be in"));
}

TEST(Hostile, WeightsAreBoundedTogether) {
  const std::string two = spec_text("[3]", R"({"type":"linear","in":3,"out":4},)"
                                           R"({"type":"linear","in":4,"out":1})");
  const Raised limit(Limit::weights, "21");  // 12 + 4 and 4 + 1
  expect_read(two);
  const Raised less(Limit::weights, "20");
  EXPECT_THAT(refusal(two), HasSubstr("the network asks for 21 numbers, more than 20"));
}

TEST(Hostile, LayersAreBoundedWithThoseInBlocks) {
  const Raised limit(Limit::layers, "4");
  const std::string relu = R"({"type":"relu"})";
  expect_read(
      spec_text("[1]", relu + "," + relu + R"(,{"type":"residual","branch":[)" + relu + "]}"));
  EXPECT_THAT(refusal(spec_text("[1]", relu + "," + relu + R"(,{"type":"residual","branch":[)" +
                                           relu + "," + relu + "]}")),
              HasSubstr("5 layers"));
}

TEST(Hostile, WorkOnOneRowIsBounded) {
  const std::string linear = spec_text("[10]", R"({"type":"linear","in":10,"out":1})");
  const Raised limit(Limit::work, "74");  // 10 products and the output's step
  expect_read(linear);
  const Raised less(Limit::work, "73");
  EXPECT_THAT(refusal(linear), HasSubstr("SCALEMIX_MAX_WORK"));
}

TEST(Hostile, APoolOfLargeWindowsIsTooMuchWork) {
  // Each of 1025 x 1025 places looks at 1024 x 1024 numbers: hours, of 100 bytes.
  const std::string spec =
      spec_text("[1,1024,1024]", R"({"type":"max_pool","kernel":1024,"stride":1,"padding":512},)"
                                 R"({"type":"avg_pool","kernel":0,"stride":1},{"type":"flatten"})");
  EXPECT_THAT(refusal(spec), HasSubstr("multiplications"));
}

TEST(Hostile, WordsOfManyLayersAreRefusedBeforeTheyAreMade) {
  for (const char* word : {"resmlp:1x1000000", "skipmlp:1x1000000"}) {
    EXPECT_THAT(message_of<ConfigError>([&] { architecture(word, table_problem()); }),
                HasSubstr("SCALEMIX_MAX_LAYERS"))
        << word;
  }
  EXPECT_THAT(message_of<ConfigError>([&] { architecture("resnet:1000000", image_problem()); }),
              HasSubstr("SCALEMIX_MAX_LAYERS"));
  std::string many = "mlp:1x10000";
  for (int i = 0; i < 10; ++i) many += "-1x10000";
  EXPECT_THAT(message_of<ConfigError>([&] { architecture(many, table_problem()); }),
              HasSubstr("SCALEMIX_MAX_LAYERS"));
}

TEST(Hostile, NestingIsBoundedInEveryPartOfAModelFile) {
  const Folder folder;
  const std::string path = folder.file("m");
  write_hostile(path, {});
  EXPECT_NO_THROW(load_model(path));
  const auto refuses = [&](std::string Texts::*part, const char* name) {
    Texts texts;
    texts.*part = nested(200'000);
    write_hostile(path, texts);
    EXPECT_THAT(message_of<DataError>([&] { load_model(path); }),
                AllOf(HasSubstr(name), HasSubstr("nested more than 256 deep")));
  };
  refuses(&Texts::spec, "'spec'");
  refuses(&Texts::preprocessing, "'preprocessing'");
  refuses(&Texts::about, "'about'");
  refuses(&Texts::features, "'features'");
  refuses(&Texts::format, "'format'");
  // The header itself.
  const std::string header = R"({"a":)" + nested(200'000) + "}";
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  write_bytes(path, bytes + header);
  EXPECT_THAT(message_of<DataError>([&] { load_model(path); }), HasSubstr("nested more than"));
  // A spec in a file of its own.
  write_bytes(folder.file("spec.json"), nested(200'000));
  EXPECT_THAT(
      message_of<DataError>([&] { architecture(folder.file("spec.json"), table_problem()); }),
      HasSubstr("nested more than"));
}

TEST(Hostile, ANumberBeyondDoubleIsBadDataWithItsPlace) {
  const Folder folder;
  Texts texts;
  texts.spec = spec_text("[1]", R"({"type":"leaky_relu","slope":1e999})");
  write_hostile(folder.file("m"), texts);
  EXPECT_THAT(message_of<DataError>([&] { load_model(folder.file("m")); }),
              AllOf(HasSubstr("'spec'"), HasSubstr("1e999")));
}

TEST(Hostile, AShapeOfManyAxesIsRefusedInFewWords) {
  std::string header = R"({"a":{"dtype":"U8","data_offsets":[0,1],"shape":[1)";
  for (std::size_t i = 1; i < 20'000; ++i) header += ",1";
  header += "]}}";
  std::string bytes(8, '\0');
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  const std::string message =
      message_of<DataError>([&] { parse_safetensors(bytes + header + "x", "m"); });
  EXPECT_THAT(message, HasSubstr("holds 20000 numbers, expected at most 32"));
  EXPECT_LT(message.size(), 200u);
}

TEST(Hostile, WhatIsNoModelIsToldByItsFirstBytes) {
  const Folder folder;
  write_bytes(folder.file("zeros"), std::string(16, '\0'));
  std::filesystem::resize_file(folder.file("zeros"),
                               std::uint64_t{4} << 30);  // takes no room on the disk
  const Raised limit(Limit::input, "1M");  // which nobody comes to who reads no further
  EXPECT_THAT(message_of<DataError>([&] { load_model(folder.file("zeros")); }),
              HasSubstr("is not a model file"));
}

TEST(Hostile, ALayerWithoutInputsOrOutputsDividesByNothing) {
  for (const char* noise : {"gsm", "svdo", "vsd", "gnj", "l0", "vdo_b", "fast"}) {
    for (const char* sizes : {R"("in":1,"out":0)", R"("in":0,"out":1)", R"("in":0,"out":0)"}) {
      const std::string layer = std::string(R"({"type":"linear",)") + sizes +
                                R"(,"noise":[{"kind":")" + noise + R"("}]})";
      EXPECT_THROW(spec_from_json(parse_json(spec_text("[1]", layer))), std::invalid_argument)
          << noise << " " << sizes;
    }
  }
}

TEST(Hostile, WhatAboutSaysIsTakenOnlyWhereItIsAWholeNumber) {
  Model m;
  m.about = R"({"a":3,"b":1e300,"c":"x","d":-1})";
  EXPECT_EQ(about_number(m, "a", 7), 3u);
  for (const char* key : {"b", "c", "d", "e"}) EXPECT_EQ(about_number(m, key, 7), 7u) << key;
}

}  // namespace
}  // namespace scalemix::model
