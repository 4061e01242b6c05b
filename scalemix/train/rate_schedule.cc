#include "scalemix/train/rate_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/base/known.h"

namespace scalemix::inline v0::train {
namespace {

using Own = std::vector<double>;

double constant(const Own&, double, double) { return 1; }

double step(const Own& own, double epoch, double epochs) {
  const double every = own[0] > 0 ? own[0] : std::max(1.0, std::floor(epochs / 3));
  return std::pow(own[1], std::floor(epoch / every));
}

double cosine(const Own&, double epoch, double epochs) {
  return (1 + std::cos(std::numbers::pi * epoch / epochs)) / 2;
}

double linear(const Own&, double epoch, double epochs) {
  return std::clamp(2 * (1 - epoch / epochs), 0.0, 1.0);
}

double poly(const Own& own, double epoch, double epochs) {
  return std::pow(std::clamp(1 - epoch / epochs, 0.0, 1.0), own[0]);
}

double exponential(const Own& own, double epoch, double) { return std::pow(own[0], epoch); }

}  // namespace

const std::vector<RateScheduleRow>& rate_schedules() {
  static const std::vector<RateScheduleRow> rows{
      {"constant", "the same rate throughout", {}, constant},
      {"step",
       "times a factor at every so many epochs",
       {{"every", 0, 0, 1e9, false, false, "epochs; 0: a third of the training"},
        {"factor", 0.1, 0, 1, true, false, "at each change"}},
       step},
      {"cosine", "half a cosine, to 0", {}, cosine},
      {"linear", "constant for the first half, then linearly to 0 (SparseVD)", {}, linear},
      {"poly",
       "(1 - share of the training) to a power; power 1: linearly to 0 from the start",
       {{"power", 2, 0, 100, true, false, "of what is left"}},
       poly},
      {"exponential",
       "times a factor per epoch, continuously",
       {{"factor", 0.98, 0, 1, true, false, "per epoch"}},
       exponential}};
  return rows;
}

RateSchedule::RateSchedule(std::string_view word) {
  const auto [name, rest] = split_word(word);
  row_ = &find_row("schedule", name, rate_schedules());
  own_ = read_values(name, row_->parameters, rest).values;
}

}  // namespace scalemix::inline v0::train
