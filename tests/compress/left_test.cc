// What is left of a network, counted by hand and as a published table counts it.

#include "scalemix/compress/left.h"

#include "scalemix/compress/plain.h"
#include "scalemix/compress/shrink.h"
#include "tests/compress/fixtures.h"

namespace scalemix::compress {
namespace {

using ::testing::ElementsAre;

/// A network of these sizes that reads `read` of 784 inputs.
Left published(const std::string& word, std::size_t read) {
  Model m = filled_model(made(word, {{784}, Task::classification, 10}, {}));
  for (std::size_t i = read; i < 784; ++i) clear_input(m, "linear1", i, 784);
  return left_of(m);
}

/// Neklyudov et al. (2017), the table of LeNet-500-300: SBP and SparseVD, flops against the original's.
TEST(Left, CountsAsThePublishedTableDoes) {
  const Left dense = published("mlp:500-300", 784), sbp = published("mlp:160-55", 245),
             sparse = published("mlp:217-130", 537);
  EXPECT_EQ(dense.multiplications, 784 * 500 + 500 * 300 + 300 * 10);
  EXPECT_EQ(text_of(sbp.sizes), "245-160-55");
  EXPECT_NEAR(dense.multiplications / sbp.multiplications, 11.23, 0.005);
  EXPECT_NEAR(dense.multiplications / sparse.multiplications, 3.73, 0.005);
  EXPECT_EQ(sbp.weights, 245u * 160 + 160 * 55 + 55 * 10);
}

TEST(Left, OfConvolutionsChannelsAndWhatTheFirstDenseLayerReads) {
  Model m = filled_model(made("lenet5", {{1, 16, 16}, Task::classification, 3}, {}));
  EXPECT_THAT(left_of(m).sizes, ElementsAre(20, 50, 50, 500));
  Model wide = filled_model(made("lenet5", {{2, 28, 28}, Task::classification, 3}, {}));
  clear_unit(wide, "conv1", 3);  // a channel
  clear(wide, "conv1.bias", 3, 1);
  clear_input(wide, "conv1", 1, 2);
  for (const std::size_t place : {0, 16 * 7 + 2, 799}) clear_input(wide, "linear1", place, 800);
  clear_unit(wide, "linear1", 8);
  const Shrunk small = shrink(wide);
  const Left left = left_of(small.model);
  EXPECT_THAT(left.sizes, ElementsAre(19, 50, 797, 499));
  EXPECT_EQ(left.multiplications, 24 * 24 * 25 * 19 + 8 * 8 * 25 * 19 * 50 + 797 * 499 + 499 * 3);
  EXPECT_EQ(left.weights, 25u * 19 + 25 * 19 * 50 + 797 * 499 + 499 * 3);
}

/// Zeros between what is read are multiplied.
TEST(Left, ASingleWeightKeepsItsInput) {
  Model m = filled_model(made("mlp:4", table_problem(), {}));
  const double all = left_of(m).multiplications;
  const std::size_t inputs = elements(m.spec.input);
  for (const std::size_t o : {0, 1, 2}) clear(m, "linear1.weight", o * inputs + 1, 1);
  EXPECT_EQ(left_of(m).multiplications, all);
  EXPECT_EQ(left_of(m).sizes[0], inputs);
  clear(m, "linear1.weight", 3 * inputs + 1, 1);
  EXPECT_EQ(left_of(m).sizes[0], inputs - 1);
  EXPECT_EQ(left_of(m).multiplications, all - 4);
}

}  // namespace
}  // namespace scalemix::compress
