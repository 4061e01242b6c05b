#include "scalemix/base/waiting.h"

#include <sys/auxv.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace scalemix::inline v0 {

void restart_with_short_waits(char** argv) {
  if (std::getenv("GOMP_SPINCOUNT") || std::getenv("OMP_WAIT_POLICY")) return;
  if (getauxval(AT_BASE) == 0) return;  // the loader was called by hand, and /proc/self/exe is it
  // By its own name: as /proc/self/exe the process would be called "exe".
  std::error_code unknown;
  const std::string program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  if (unknown || setenv("GOMP_SPINCOUNT", "10000", 1) != 0) return;
  execv(program.c_str(), argv);
}

}  // namespace scalemix::inline v0
