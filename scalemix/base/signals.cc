#include "scalemix/base/signals.h"

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include <array>

namespace scalemix::inline v0 {
namespace {

constexpr std::array kTaken{SIGINT, SIGTERM, SIGHUP};

// Signals belong to the process, so what is asked of them does, too.
std::atomic<bool> graceful{false}, stop_asked{false};
sigset_t mask_before;  // of the thread that made the StopSignals
sighandler_t pipe_before = SIG_IGN, size_before = SIG_IGN;

sigset_t taken() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : kTaken) sigaddset(&set, signal);
  return set;
}

bool ignored(int signal) {
  struct sigaction action = {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

/// The default action for the whole process; the other threads are ended wherever they are.
[[noreturn]] void end_process(int signal) {
  std::signal(signal, SIG_DFL);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  raise(signal);
  _exit(128 + signal);  // the first process of a container has no default action
}

void take(int signal) {
  const bool asks = graceful;
  if (ignored(signal) && !(asks && signal == SIGINT)) return;
  const bool again = asks && stop_asked.exchange(true);
  if (!asks || (again && signal != SIGHUP)) end_process(signal);
}

void restore() {
  pthread_sigmask(SIG_SETMASK, &mask_before, nullptr);
  if (pipe_before != SIG_ERR) std::signal(SIGPIPE, pipe_before);
  if (size_before != SIG_ERR) std::signal(SIGXFSZ, size_before);
}

}  // namespace

StopSignals::StopSignals() {
  [[maybe_unused]] static const int once = pthread_atfork(nullptr, nullptr, restore);
  const sigset_t set = taken();
  pthread_sigmask(SIG_BLOCK, &set, &mask_before);
  pipe_before = std::signal(SIGPIPE, SIG_IGN);
  size_before = std::signal(SIGXFSZ, SIG_IGN);
  waiter_ = std::thread([this] { wait(); });
}

StopSignals::~StopSignals() {
  leaving_ = true;
  pthread_kill(waiter_.native_handle(), SIGTERM);  // blocked there, so it only ends the wait
  waiter_.join();
  restore();
}

void StopSignals::wait() const {
  const sigset_t set = taken();
  for (int signal; sigwait(&set, &signal) == 0 && !leaving_;) take(signal);
}

void end_if_output_is_unread() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  if (::poll(&output, 1, 0) != 1 || !(output.revents & POLLERR)) return;
  if (pipe_before == SIG_DFL) end_process(SIGPIPE);
}

GracefulStop::GracefulStop() {
  stop_asked = false;
  graceful = true;
}

GracefulStop::~GracefulStop() { graceful = false; }

const std::atomic<bool>& GracefulStop::asked() const { return stop_asked; }

}  // namespace scalemix::inline v0
