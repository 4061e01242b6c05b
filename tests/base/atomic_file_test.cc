#include "scalemix/base/atomic_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "scalemix/base/error.h"
#include "scalemix/base/output_place.h"

namespace scalemix {
namespace {

namespace fs = std::filesystem;

class AtomicFile : public testing::Test {
 protected:
  AtomicFile() {
    std::string name = testing::TempDir() + "scalemix_atomic_XXXXXX";
    folder = ::mkdtemp(name.data());
    path = folder + "/file";
  }
  ~AtomicFile() override { fs::remove_all(folder); }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
  }

  std::string folder, path;
};

// The new file's descriptor is then 0.
TEST_F(AtomicFile, FollowsTheMaskWhereStandardInputIsClosed) {
  write_atomically(path, "open");
  const int kept = ::dup(STDIN_FILENO);
  ::close(STDIN_FILENO);
  write_atomically(path + "2", "closed");
  if (kept >= 0) {
    ::dup2(kept, STDIN_FILENO);
    ::close(kept);
  }
  EXPECT_EQ(read(path + "2"), "closed");
  EXPECT_EQ(fs::status(path + "2").permissions(), fs::status(path).permissions());
}

TEST_F(AtomicFile, ReplacesTheWholeFileAndLeavesNothingElse) {
  write_atomically(path, "a longer first text");
  write_atomically(path, std::string_view("a\0b", 3));
  EXPECT_EQ(read(path), std::string("a\0b", 3));
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, WritesAnEmptyFile) {
  write_atomically(path, "");
  EXPECT_TRUE(fs::exists(path));
  EXPECT_EQ(fs::file_size(path), 0u);
}

TEST_F(AtomicFile, SaysWhichFileCouldNotBeWritten) {
  const std::string lost = folder + "/no/such/file";
  try {
    write_atomically(lost, "x");
    FAIL() << "wrote into a folder that is not there";
  } catch (const FileError& e) {
    EXPECT_EQ(e.path, lost);
    EXPECT_NE(std::string(e.what()).find("No such file"), std::string::npos) << e.what();
  }
}

TEST_F(AtomicFile, AFailedWriteKeepsTheOldFileAndRemovesTheTemporary) {
  write_atomically(path, "old");
  // A limit on the size of files fails the write half-way, as a full disk does.
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 1000;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_THROW(write_atomically(path, std::string(5000, 'x')), FileError);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read(path), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, ARenameThatFailsKeepsTheSource) {
  write_atomically(path, "part");
  fs::create_directory(folder + "/taken");
  EXPECT_THROW(rename_durably(path, folder + "/taken"), FileError);
  EXPECT_EQ(read(path), "part");
  rename_durably(path, folder + "/final");
  EXPECT_EQ(read(folder + "/final"), "part");
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(AtomicFile, KeepsThePermissionsOfTheFileItReplaces) {
  for (const mode_t mode : {0600, 0640, 0666, 0755}) {
    write_atomically(path, "old");
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    write_atomically(path, "new");
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, mode);
    EXPECT_EQ(read(path), "new");
  }
}

TEST_F(AtomicFile, FollowsSymbolicLinksAndKeepsThem) {
  fs::create_directory(folder + "/far");
  write_atomically(folder + "/far/real", "old");
  fs::create_symlink("far/real", folder + "/near");  // relative to the link's own folder
  fs::create_symlink(folder + "/near", path);
  write_atomically(path, "new");
  EXPECT_EQ(read(folder + "/far/real"), "new");
  EXPECT_TRUE(fs::is_symlink(path));
  EXPECT_TRUE(fs::is_symlink(folder + "/near"));
  EXPECT_FALSE(fs::is_symlink(folder + "/far/real"));
}

TEST_F(AtomicFile, MakesTheTargetOfALinkThatPointsNowhereYet) {
  fs::create_symlink("later", path);
  write_atomically(path, "new");
  EXPECT_EQ(read(folder + "/later"), "new");
  EXPECT_TRUE(fs::is_symlink(path));
}

TEST_F(AtomicFile, RefusesALoopOfLinks) {
  fs::create_symlink("other", path);
  fs::create_symlink("file", folder + "/other");
  try {
    write_atomically(path, "x");
    FAIL() << "wrote into a loop";
  } catch (const FileError& e) {
    EXPECT_FALSE(e.missing);
    EXPECT_NE(std::string(e.what()).find("symbolic links"), std::string::npos) << e.what();
  }
}

TEST_F(AtomicFile, WritesToAPipeAndLeavesIt) {
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_atomically(path, "through");
  char got[16] = {};
  EXPECT_EQ(::read(reader, got, sizeof got), 7);
  EXPECT_STREQ(got, "through");
  ::close(reader);
  EXPECT_TRUE(fs::is_fifo(path));
  EXPECT_EQ(files(), 1u);
}

// Through a link, so that a mistake cannot cost the machine its device.
TEST_F(AtomicFile, WritesToADeviceAndLeavesIt) {
  fs::create_symlink("/dev/null", path);
  write_atomically(path, "gone");
  EXPECT_EQ(fs::read_symlink(path), "/dev/null");
  EXPECT_TRUE(fs::is_character_file(path));
  fs::remove(path);
  fs::create_symlink("/dev/full", path);
  EXPECT_THROW(write_atomically(path, "too much"), FileError);
  EXPECT_TRUE(fs::is_character_file(path));
}

TEST_F(AtomicFile, WritesToADescriptorThatIsOpen) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  write_atomically("/dev/fd/" + std::to_string(ends[1]), "a");
  fs::create_symlink("/proc/self/fd/" + std::to_string(ends[1]), path);
  write_atomically(path, "b");
  char got[8] = {};
  EXPECT_EQ(::read(ends[0], got, sizeof got), 2);
  EXPECT_STREQ(got, "ab");
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_THROW(write_atomically("/dev/fd/" + std::to_string(ends[1]), "c"), FileError);
}

TEST_F(AtomicFile, RefusesAFolder) {
  fs::create_directory(path);
  fs::create_directory_symlink("file", folder + "/link");
  for (const std::string& name : {path, path + "/", folder + "/link", folder + "/new/"}) {
    EXPECT_THROW(write_atomically(name, "x"), FileError) << name;
    EXPECT_THROW(check_output(name), FileError) << name;
  }
  EXPECT_TRUE(fs::is_empty(path));
  EXPECT_EQ(files(), 2u);
}

TEST_F(AtomicFile, TakesTheLongestNameThereIs) {
  const std::string longest = folder + "/" + std::string(255, 'n');
  write_atomically(longest, "old");
  write_atomically(longest, "new");
  EXPECT_EQ(read(longest), "new");
  EXPECT_EQ(files(), 1u);
  EXPECT_THROW(write_atomically(longest + "n", "x"), FileError);
  EXPECT_THROW(check_output(longest + "n"), FileError);
}

TEST_F(AtomicFile, AnotherHardLinkKeepsTheOldContent) {
  write_atomically(path, "old");
  fs::create_hard_link(path, folder + "/kept");
  write_atomically(path, "new");
  EXPECT_EQ(read(folder + "/kept"), "old");
  EXPECT_EQ(read(path), "new");
}

TEST_F(AtomicFile, RespectsAFileThatMustNotBeWritten) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write every file";
  write_atomically(path, "old");
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  EXPECT_THROW(check_output(path), FileError);
  EXPECT_THROW(write_atomically(path, "new"), FileError);
  EXPECT_EQ(read(path), "old");
}

TEST_F(AtomicFile, WritesInPlaceWhereTheFolderTakesNoNewFile) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write to every folder";
  write_atomically(path, "a longer old text");
  ASSERT_EQ(::chmod(folder.c_str(), 0555), 0);
  write_atomically(path, "new");
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  EXPECT_EQ(read(path), "new");
}

TEST_F(AtomicFile, IsCheckedBeforeAnyWorkWithoutATrace) {
  EXPECT_NO_THROW(check_output(path));
  EXPECT_EQ(files(), 0u);
  EXPECT_NO_THROW(check_output("a-name-alone"));
  write_atomically(path, "x");
  EXPECT_NO_THROW(check_output(path));
  EXPECT_NO_THROW(check_output("/dev/stdout"));
  for (const std::string& name : {std::string(), folder + "/no/file", path + "/below"}) {
    EXPECT_THROW(check_output(name), FileError) << name;
    EXPECT_THROW(write_atomically(name, "x"), FileError) << name;
  }
}

TEST(LeftTemporary, IsToldByItsName) {
  EXPECT_TRUE(is_left_temporary("state.safetensors.tmp-a1B2c3"));
  for (const char* name :
       {"state.safetensors", ".tmp-a1B2c3", "a.tmp-short", "a.tmp-longer-x", ""}) {
    EXPECT_FALSE(is_left_temporary(name)) << name;
  }
}

}  // namespace
}  // namespace scalemix
