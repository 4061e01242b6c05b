#include "scalemix/base/name_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace scalemix {
namespace {

TEST(NameList, QuotesNamesThatWouldNotBeToldApart) {
  EXPECT_EQ(name_list(std::vector<std::string>{}), "");
  EXPECT_EQ(name_list(std::vector<std::string>{"size"}), "size");
  EXPECT_EQ(name_list(std::vector<std::string>{"size", "price, EUR", "town"}),
            "size, 'price, EUR', town");
  EXPECT_EQ(name_list(std::vector<std::string>{"", " a", "b ", "c d", "it's"}),
            "'', ' a', 'b ', c d, 'it's'");
}

}  // namespace
}  // namespace scalemix
