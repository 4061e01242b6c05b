// Exit codes of the command line, after sysexits.h.
#pragma once

namespace scalemix::inline v0::cli {

enum ExitCode : int {
  kSuccess = 0,
  kUsage = 64,        // an option or subcommand that does not exist, a missing argument
  kBadData = 65,      // DataError, and a spec or shape that does not fit
  kNoInput = 66,      // a file that is not there
  kInternal = 70,     // a bug
  kIo = 74,           // a file that cannot be read or written
  kDiverged = 75,     // training met NaN or ran away
  kBadConfig = 78,    // ConfigError, and values out of range
  kInterrupted = 130  // after a checkpoint
};

}  // namespace scalemix::inline v0::cli
