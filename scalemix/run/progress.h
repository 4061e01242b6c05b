// Progress on standard error: one line that is redrawn on a terminal, with rate and time left; a
// plain line now and then elsewhere; nothing when quiet.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace scalemix::inline v0::run {

class Progress {
 public:
  /// `what` is counted up to `total` ("epoch").
  Progress(std::string what, std::uint64_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` may be a fraction of a unit (half an epoch). `note` follows the bar: "loss 0.31".
  void update(double done, const std::string& note);
  /// Ends the line at `done`, with a last note.
  void finish(double done, const std::string& note);
  /// Skips what was done before a resume, so that rate and time left are of this process.
  void start_at(double done);

 private:
  void draw(double done, const std::string& note);

  using Clock = std::chrono::steady_clock;
  std::string what_;
  std::uint64_t total_;
  bool quiet_, terminal_, open_ = false;
  double first_ = 0;
  Clock::time_point begin_, drawn_;
};

/// "42 s", "1 min 05 s", "2 h 03 min".
std::string clock_text(double seconds);

/// "76.6 epochs per s", "3.2 s per epoch".
std::string rate_text(double rate, const std::string& what);

struct ProgressState {
  std::string what;  // is counted, "epoch"
  double done = 0;
  std::uint64_t total = 0;
  double rate = 0, left = -1;  // units per second; seconds, or below 0 where that is not known
  std::string note = {};
};
/// One line of at most `width` characters: without the rate, the bar, the note where that is not enough.
std::string progress_line(const ProgressState& state, std::size_t width);

}  // namespace scalemix::inline v0::run
