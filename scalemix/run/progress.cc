#include "scalemix/run/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "scalemix/base/message.h"

namespace scalemix::inline v0::run {
namespace {

constexpr int kBar = 24;
constexpr double kTerminalSeconds = 0.1, kPlainSeconds = 5;
constexpr std::size_t kPlainWidth = 80;  // where a terminal does not tell its width

std::string bar(double share) {
  const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBar);
  return std::string(full, '#') + std::string(kBar - full, '.');
}

/// Columns of the terminal behind standard error.
std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col
                                                                         : kPlainWidth;
}

}  // namespace

std::string clock_text(double seconds) {
  const auto s = static_cast<long>(std::max(0.0, seconds) + 0.5);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{} min {:02} s", s / 60, s % 60);
  const long minutes = (s + 30) / 60;
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string rate_text(double rate, const std::string& what) {
  return rate >= 1 || rate <= 0 ? fmt::format("{:.3g} {}s per s", rate, what)
                                : fmt::format("{:.3g} s per {}", 1 / rate, what);
}

std::string progress_line(const ProgressState& s, std::size_t width) {
  const std::string counted =
      fmt::format("{} {} of {}", s.what, static_cast<std::uint64_t>(s.done), s.total);
  const std::string share = bar(s.done / static_cast<double>(s.total));
  const std::string left = s.left < 0 ? "" : fmt::format(", {} left", clock_text(s.left));
  const std::string note = s.note.empty() ? "" : ", " + s.note;
  // What is left out first where there is no room for all.
  for (const std::string& line :
       {fmt::format("{} {}, {}{}{}", share, counted, rate_text(s.rate, s.what), left, note),
        fmt::format("{} {}{}{}", share, counted, left, note),
        fmt::format("{}{}{}", counted, left, note), counted + left}) {
    if (line.size() <= width) return line;
  }
  return counted.substr(0, width);
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
  const double left = rate > 0 ? (static_cast<double>(total_) - done) / rate : -1;
  // The last column stays free: a terminal may wrap after it.
  const std::string line = progress_line({what_, done, total_, rate, left, note},
                                         terminal_ ? terminal_width() - 1 : std::string::npos);
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
