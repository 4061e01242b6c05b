#include "scalemix/data/fingerprint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

namespace scalemix::data {
namespace {

Dataset small() {
  Dataset d;
  d.name = "small";
  d.task = Task::classification;
  d.shape = {2};
  d.x = {1, 2, 3, 4, 5, 6};
  d.label = {0, 1, 0};
  d.classes = {"no", "yes"};
  d.features = {"a", "b"};
  d.target = "answer";
  d.splits = {{{0, 1}, {}, {2}}};
  return d;
}

TEST(Fingerprint, OfTheSameContentIsTheSameWhateverItsName) {
  Dataset other = small();
  other.name = "elsewhere/small.csv";
  other.notes = {"said by the reader"};
  other.soft = {0.5f, 0.5f};  // a teacher's, whose file is another matter
  EXPECT_EQ(fingerprint(small()), fingerprint(other));
  EXPECT_THAT(differences(fingerprint(small()), fingerprint(other)), testing::IsEmpty());
}

TEST(Fingerprint, NamesThePartThatDiffers) {
  const struct {
    const char* part;
    std::function<void(Dataset&)> change;
  } cases[] = {
      {"inputs", [](Dataset& d) { d.x[5] = 7; }},
      {"inputs", [](Dataset& d) { std::swap(d.x[0], d.x[1]); }},
      {"targets", [](Dataset& d) { d.label[2] = 1; }},
      {"classes", [](Dataset& d) { std::swap(d.classes[0], d.classes[1]); }},
      {"columns", [](Dataset& d) { d.features[1] = "c"; }},
      {"columns", [](Dataset& d) { d.target = "reply"; }},
      {"columns",
       [](Dataset& d) {
         d.features = {"ab", ""};
       }},
      {"shape",
       [](Dataset& d) {
         d.shape = {1, 1, 2};
       }},
      {"splits",
       [](Dataset& d) {
         d.splits[0].train = {1, 0};
       }},
      {"splits",
       [](Dataset& d) {
         d.splits = {{{0}, {1}, {2}}};
       }},
  };
  for (const auto& c : cases) {
    Dataset other = small();
    c.change(other);
    EXPECT_THAT(differences(fingerprint(small()), fingerprint(other)),
                testing::ElementsAre(c.part));
  }
}

TEST(Fingerprint, CountsRows) {
  Dataset other = small();
  other.x.resize(4);
  other.label.resize(2);
  EXPECT_THAT(differences(fingerprint(small()), fingerprint(other)),
              testing::Contains("2 rows, were 3"));
}

}  // namespace
}  // namespace scalemix::data
