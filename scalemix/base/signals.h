// Interruptions without signal handlers. A handler runs on the stack of whatever thread the signal
// meets, and oneDNN's generated kernels keep that stack's pointer inside the heap: there a handler
// writes over the heap. So every thread blocks SIGINT, SIGTERM and SIGHUP, and one thread that does
// nothing else waits for them.
//
//   int main() {
//     const StopSignals signals;             // before any other thread: they inherit the block
//     ...
//     const GracefulStop stop;               // from here on the first signal only asks
//     while (!stop.asked()) step();
//
// A signal that nobody has asked for ends the process, and the exit status names it, as it would
// without all this. What the parent ignores (nohup: SIGHUP) stays ignored.
#pragma once

#include <csignal>

#include <atomic>
#include <thread>

namespace scalemix::inline v0 {

/// Takes SIGINT, SIGTERM and SIGHUP for the whole process while it lives, and ignores SIGPIPE and
/// SIGXFSZ: a reader of messages or outputs that goes away and a limit on the size of files do not
/// end the work; writing there fails. One at a
/// time per process, made while the process has one thread. A child that is forked does not inherit the
/// block. Throws std::system_error if the system has no thread to give.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  void wait() const;

  std::atomic<bool> leaving_{false};
  std::thread waiter_;
};

/// Ends the process by SIGPIPE, quietly, as a program does by default whose output nobody reads any
/// more ("scalemix list | head -1"); returns if standard output is no pipe without a reader, and
/// where the parent ignores SIGPIPE.
void end_if_output_is_unread();

/// While one lives, the first signal makes asked() true and the second ends the process at once.
/// Not so a second SIGHUP: a terminal that closes sends more than one. An ignored SIGINT asks, too:
/// shells have it ignored by what a script starts in the background. Needs a StopSignals in main();
/// without one a signal does what it does by default. One at a time.
class GracefulStop {
 public:
  GracefulStop();
  ~GracefulStop();
  GracefulStop(const GracefulStop&) = delete;
  GracefulStop& operator=(const GracefulStop&) = delete;

  /// True after the first signal; may be read by any thread.
  const std::atomic<bool>& asked() const;
};

}  // namespace scalemix::inline v0
