// What a path means as the place of an output. Symbolic links are followed, also one whose target
// is not there yet; /dev/stdout, /dev/fd/N and their kin are descriptors that are open already.
#pragma once

#include <sys/types.h>

#include <string>

namespace scalemix::inline v0 {

struct OutputPlace {
  enum class Kind {
    fresh,       // nothing is there: a new file
    file,        // a regular file: replaced as a whole
    stream,      // a device, a pipe: written to
    descriptor,  // open in this process: written to
  };
  Kind kind = Kind::fresh;
  std::string path;     // behind all symbolic links
  int descriptor = -1;  // of Kind::descriptor
  mode_t mode = 0;      // permissions of Kind::file, and whose it is
  uid_t owner = 0;
  gid_t group = 0;
};

/// Throws FileError: a folder, a loop of links, a descriptor that is not open, a folder on the way
/// that is closed.
OutputPlace output_place(const std::string& path);

/// Finds out before any work whether `path` can be an output: throws as output_place(), and for a
/// folder that is not there or closed, and for a file that must not be written. A full disk shows
/// later.
void check_output(const std::string& path);

/// The folder of a file: "." for a name alone.
std::string folder_of(const std::string& path);

}  // namespace scalemix::inline v0
