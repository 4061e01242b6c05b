#include "scalemix/run/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "scalemix/base/message.h"

namespace scalemix::inline v0::run {
namespace {

constexpr int kBar = 24;
constexpr double kTerminalSeconds = 0.1, kPlainSeconds = 10;

std::string bar(double share) {
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBar);
  return std::string(full, '#') + std::string(kBar - full, '.');
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::max(0.0, seconds) + 0.5);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

Progress::Progress(std::string what, std::uint64_t total, bool quiet)
    : what_(std::move(what)),
      total_(total),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      begin_(Clock::now()),
      drawn_(Clock::now()) {}

Progress::~Progress() {
  if (open_) message("\n");
}

void Progress::start_at(double done) {
  first_ = done;
  begin_ = Clock::now();
}

void Progress::update(double done, const std::string& note) {
  if (quiet_) return;
  const double since = std::chrono::duration<double>(Clock::now() - drawn_).count();
  if (since < (terminal_ ? kTerminalSeconds : kPlainSeconds)) return;
  draw(done, note);
}

void Progress::draw(double done, const std::string& note) {
  drawn_ = Clock::now();
  const double elapsed = std::chrono::duration<double>(drawn_ - begin_).count();
  const double rate = elapsed > 0 ? (done - first_) / elapsed : 0;
  const double left = rate > 0 ? (static_cast<double>(total_) - done) / rate : 0;
  const std::string line =
      fmt::format("{} {}/{} {} {:.3g} {}s/s, {} left{}{}", bar(done / static_cast<double>(total_)),
                  static_cast<std::uint64_t>(done), total_, what_, rate, what_, clock_text(left),
                  note.empty() ? "" : ", ", note);
  if (terminal_) {
    message(fmt::format("\r{}\x1b[K", line));
    open_ = true;
  } else {
    message(fmt::format("{}\n", line));
  }
}

void Progress::finish(double done, const std::string& note) {
  if (quiet_) return;
  draw(done, note);
  if (open_) message("\n");
  open_ = false;
}

}  // namespace scalemix::inline v0::run
