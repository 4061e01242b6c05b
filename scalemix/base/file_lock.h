// One process at a time: a lock that the kernel holds for a process and releases when that ends,
// however it ends. Nothing has to be cleaned up after a kill.
#pragma once

#include <memory>
#include <string>

namespace scalemix::inline v0 {

class FileLock {
 public:
  /// Locks a file, which is made if it is not there and stays; null where another process, or another
  /// FileLock of this one, has it. Works across machines on a network file system that passes locks
  /// on; on one without locks the result locks nothing. Throws FileError if the file cannot be
  /// opened.
  static std::unique_ptr<FileLock> take(const std::string& path);
  /// Who locked the file last: "process 4711 on HOST"; "another process" if it does not say.
  static std::string holder(const std::string& path);

  ~FileLock();
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  explicit FileLock(int fd) : fd_(fd) {}
  int fd_;
};

}  // namespace scalemix::inline v0
