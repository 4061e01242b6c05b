#include "scalemix/base/message.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>

namespace scalemix::inline v0 {

void message(std::string_view text) noexcept {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
  std::clearerr(stderr);
}

void reserve_standard_files() noexcept {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is taken: `fd`, since those below it are open.
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace scalemix::inline v0
