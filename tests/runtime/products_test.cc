#include <gtest/gtest.h>

#include "scalemix/kernel/gemm.h"
#include "scalemix/kernel/target.h"

namespace scalemix::kernel {
namespace {

TEST(Products, OfTheRuntimeAreOurOwn) {
  for (const std::string& target : available_targets()) {
    force_target(target);
    EXPECT_EQ(product_libraries(), "scalemix " + target);
  }
  force_target("");
}

}  // namespace
}  // namespace scalemix::kernel
