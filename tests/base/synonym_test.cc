#include "scalemix/base/synonym.h"

#include <gtest/gtest.h>

#include <vector>

#include "scalemix/base/nearest.h"

namespace scalemix {
namespace {

const std::vector<std::string> kMethods = {"none", "bernoulli", "spatial"};
const std::vector<std::string> kOptions = {"--lr", "--method", "--batch", "--weight-decay"};

TEST(Synonym, FindsOurNameOfAWord) {
  EXPECT_EQ(synonym("dropout", kMethods), "bernoulli");
  EXPECT_EQ(synonym("Dropout2d", kMethods), "spatial");
  EXPECT_EQ(synonym("--learning-rate", kOptions), "--lr");
  EXPECT_EQ(synonym("--learning_rate", kOptions), "--lr");
  EXPECT_EQ(synonym("--l2", kOptions), "--weight-decay");
}

TEST(Synonym, IsTheOneThatIsThere) {
  EXPECT_EQ(synonym("dropout", kOptions), "--method");
  EXPECT_EQ(synonym("batch_size", kMethods), "");
  EXPECT_EQ(synonym("dropouts", kMethods), "");
}

TEST(Synonym, ComesBeforeTheNearestWord) {
  // "batchsize" is far from "batch"; "dropout" is nearer to "dropblock" than to "bernoulli".
  EXPECT_EQ(did_you_mean("dropout", std::vector<std::string>{"dropblock", "bernoulli"}),
            ", did you mean 'bernoulli'?");
  EXPECT_EQ(did_you_mean("--batch-size", kOptions), ", did you mean '--batch'?");
}

}  // namespace
}  // namespace scalemix
