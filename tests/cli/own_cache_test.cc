// The tests keep nothing in the user's cache and take nothing measured from it; data sets there are still
// found.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "scalemix/base/error.h"
#include "scalemix/data/registry.h"
#include "tests/data/temp_folder.h"

namespace scalemix::inline v0::cli {
namespace {

class OwnCache : public testing::Environment {
 public:
  void SetUp() override {
    std::string users;
    try {
      users = data::cache_folder();
    } catch (const ConfigError&) {  // there is none
    }
    ::setenv("SCALEMIX_DATA", users.c_str(), /*overwrite=*/0);
    ::setenv("SCALEMIX_CACHE", folder_.path.c_str(), 1);
  }

 private:
  TempFolder folder_;
};

const testing::Environment* const own_cache = testing::AddGlobalTestEnvironment(new OwnCache);

TEST(OwnCache, IsEmpty) {
  ASSERT_NE(own_cache, nullptr);
  EXPECT_TRUE(std::filesystem::is_empty(data::cache_folder()));
}

}  // namespace
}  // namespace scalemix::inline v0::cli
