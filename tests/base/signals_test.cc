// Each case runs in a process of its own, as a death test that starts the program anew: there no
// other thread runs yet, as in main().
#include "scalemix/base/signals.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "scalemix/base/parallel.h"

namespace scalemix {
namespace {

constexpr int kTaken[] = {SIGINT, SIGTERM, SIGHUP};

class SignalsDeathTest : public testing::Test {
 protected:
  SignalsDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

class EachSignalDeathTest : public SignalsDeathTest, public testing::WithParamInterface<int> {};

/// A case that waits in vain ends by SIGALRM, which is never what it expects.
void begin(int signal) {
  alarm(20);
  std::signal(signal, SIG_DFL);
}

/// To the process, as from outside; back when it has been taken.
void send(int signal) {
  kill(getpid(), signal);
  sigset_t pending;
  do {
    std::this_thread::yield();
    sigpending(&pending);
  } while (sigismember(&pending, signal));
}

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

[[noreturn]] void wait_for_the_end() {
  for (;;) pause();
}

bool blocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

TEST_P(EachSignalDeathTest, EndTheProcessIfNothingElseIsAsked) {
  EXPECT_EXIT(
      {
        begin(GetParam());
        const StopSignals signals;
        send(GetParam());
        wait_for_the_end();
      },
      testing::KilledBySignal(GetParam()), "");
}

TEST_P(EachSignalDeathTest, TheFirstOnlyAsks) {
  EXPECT_EXIT(
      {
        begin(GetParam());
        const StopSignals signals;
        const GracefulStop stop;
        if (stop.asked()) _exit(1);
        send(GetParam());
        wait_for(stop.asked());
        _exit(130);
      },
      testing::ExitedWithCode(130), "");
}

TEST_P(EachSignalDeathTest, TheSecondEndsTheProcess) {
  EXPECT_EXIT(
      {
        begin(SIGTERM);
        begin(GetParam());
        const StopSignals signals;
        const GracefulStop stop;
        send(GetParam());
        wait_for(stop.asked());
        send(SIGTERM);
        wait_for_the_end();
      },
      testing::KilledBySignal(SIGTERM), "");
}

TEST_P(EachSignalDeathTest, EndTheProcessAgainAfterTheGracefulPart) {
  EXPECT_EXIT(
      {
        begin(GetParam());
        const StopSignals signals;
        {
          const GracefulStop stop;
          send(GetParam());
          wait_for(stop.asked());
        }
        if (const GracefulStop later; later.asked()) _exit(1);
        send(GetParam());
        wait_for_the_end();
      },
      testing::KilledBySignal(GetParam()), "");
}

TEST_P(EachSignalDeathTest, AreBlockedInEveryThreadThatStartsLater) {
  EXPECT_EXIT(
      {
        begin(GetParam());
        const StopSignals signals;
        set_threads(4);
        std::atomic<int> open{0};
        parallel_tiles(1000, [&](std::size_t) { open += !blocked(GetParam()); });
        _exit(open == 0 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_P(EachSignalDeathTest, AreNotBlockedInAChild) {
  EXPECT_EXIT(
      {
        begin(GetParam());
        const StopSignals signals;
        const pid_t child = fork();
        if (child == 0) {
          kill(getpid(), GetParam());
          _exit(1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        _exit(WIFSIGNALED(status) && WTERMSIG(status) == GetParam() ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_P(EachSignalDeathTest, AreAsBeforeAfterwards) {
  EXPECT_EXIT(
      {
        begin(GetParam());
        { const StopSignals signals; }
        if (blocked(GetParam())) _exit(1);
        send(GetParam());
        wait_for_the_end();
      },
      testing::KilledBySignal(GetParam()), "");
}

TEST_P(EachSignalDeathTest, StayIgnoredWhereTheParentIgnoresThem) {
  EXPECT_EXIT(
      {
        begin(SIGINT);
        begin(SIGTERM);
        std::signal(GetParam(), SIG_IGN);
        const int other = GetParam() == SIGTERM ? SIGINT : SIGTERM;
        const StopSignals signals;
        send(GetParam());
        send(other);
        wait_for_the_end();
      },
      testing::KilledBySignal(GetParam() == SIGTERM ? SIGINT : SIGTERM), "");
}

INSTANTIATE_TEST_SUITE_P(All, EachSignalDeathTest, testing::ValuesIn(kTaken),
                         [](const auto& info) -> std::string {
                           return info.param == SIGINT    ? "SIGINT"
                                  : info.param == SIGTERM ? "SIGTERM"
                                                          : "SIGHUP";
                         });

TEST_F(SignalsDeathTest, AnIgnoredInterruptAsksWhereAStopIsGraceful) {
  EXPECT_EXIT(
      {
        begin(SIGTERM);
        std::signal(SIGINT, SIG_IGN);
        const StopSignals signals;
        const GracefulStop stop;
        send(SIGINT);
        wait_for(stop.asked());
        _exit(130);
      },
      testing::ExitedWithCode(130), "");
}

TEST_F(SignalsDeathTest, AClosingTerminalMayHangUpTwice) {
  EXPECT_EXIT(
      {
        begin(SIGHUP);
        begin(SIGTERM);
        const StopSignals signals;
        const GracefulStop stop;
        send(SIGHUP);
        wait_for(stop.asked());
        send(SIGHUP);
        send(SIGTERM);
        wait_for_the_end();
      },
      testing::KilledBySignal(SIGTERM), "");
}

}  // namespace
}  // namespace scalemix
