#include <iostream>

#include "scalemix/base/message.h"
#include "scalemix/base/signals.h"
#include "scalemix/base/waiting.h"
#include "scalemix/cli/command.h"

int main(int argc, char** argv) {
  scalemix::reserve_standard_files();
  scalemix::restart_with_short_waits(argv);
  const scalemix::StopSignals signals;  // before the first thread
  return scalemix::cli::run(argc, argv, std::cout);
}
