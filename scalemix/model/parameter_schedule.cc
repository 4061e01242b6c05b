#include "scalemix/model/parameter_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "scalemix/base/known.h"

namespace scalemix::inline v0::model {
namespace {

using Own = std::vector<double>;

constexpr std::size_t kStart = 0, kFrom = 1, kTo = 2;  // of linear and cosine
constexpr std::size_t kGamma = 0, kEnd = 1;            // of curriculum and annealed: start or end

/// Share of the way at `progress`; all of it where the way has no length.
double share(const Own& own, double progress) {
  if (own[kTo] <= own[kFrom]) return progress < own[kTo] ? 0 : 1;
  return std::clamp((progress - own[kFrom]) / (own[kTo] - own[kFrom]), 0.0, 1.0);
}

double linear(double value, const Own& own, double, double progress) {
  return own[kStart] + (value - own[kStart]) * share(own, progress);
}

double cosine(double value, const Own& own, double, double progress) {
  const double way = (1 - std::cos(std::numbers::pi * share(own, progress))) / 2;
  return own[kStart] + (value - own[kStart]) * way;
}

double curriculum(double value, const Own& own, double step, double) {
  return value + (own[kEnd] - value) * std::exp(-own[kGamma] * step);
}

double annealed(double value, const Own& own, double step, double) {
  return own[kEnd] + (value - own[kEnd]) * std::exp(-own[kGamma] * step);
}

double own_start(double, const Own& own) { return own[kStart]; }
double own_end(double, const Own& own) { return own[kEnd]; }
double itself(double value, const Own&) { return value; }

std::vector<Parameter> ramp() {
  return {{"start", 0, -1e6, 1e6, false, false, "value at the start"},
          {"from", 0, 0, 1, false, false, "share of the training at which it begins to change"},
          {"to", 1, 0, 1, false, false, "share of the training at which it is there"}};
}

std::vector<Parameter> decay(std::string_view other, std::string_view meaning) {
  return {{"gamma", 1e-3, 0, 1e6, false, false, "rate per step"},
          {other, 0, -1e6, 1e6, false, false, meaning}};
}

constexpr std::string_view kMorerio =
    "Morerio, Cavazza, Volpi, Vidal & Murino (2017), Curriculum dropout, ICCV";

}  // namespace

const std::vector<ScheduleRow>& parameter_schedules() {
  static const std::vector<ScheduleRow> rows{
      {"linear", "from start to the value, linearly", "", ramp(), linear, own_start, itself},
      {"cosine", "from start to the value, by half a cosine", "", ramp(), cosine, own_start,
       itself},
      {"curriculum", "from start towards the value, exponentially in the steps", kMorerio,
       decay("start", "value at the start"), curriculum, own_end, itself},
      {"annealed", "from the value towards end, exponentially in the steps", kMorerio,
       decay("end", "value in the long run"), annealed, itself, own_end}};
  return rows;
}

ParameterSchedule ParameterSchedule::parse(std::string_view word) {
  const auto [name, rest] = split_word(word);
  std::string own(rest);
  std::replace(own.begin(), own.end(), ';', ',');
  ParameterSchedule out;
  out.row_ = &find_row("schedule", name, parameter_schedules());
  out.own_ = read_values(name, out.row_->parameters, own).values;
  return out;
}

std::string ParameterSchedule::word() const {
  std::string out = write_word(row_->name, row_->parameters, own_);
  std::replace(out.begin(), out.end(), ',', ';');
  return out;
}

std::pair<std::size_t, std::size_t> value_at(std::string_view word, std::string_view parameter) {
  const std::string key = std::string(parameter) + "=";
  std::size_t at = word.find(key);
  while (at != std::string_view::npos && at > 0 && word[at - 1] != ':' && word[at - 1] != ',') {
    at = word.find(key, at + 1);
  }
  if (at == std::string_view::npos) return {at, at};
  const std::size_t from = at + key.size();
  return {from, std::min(word.find(',', from), word.size())};
}

std::string put_schedule(const std::string& word, const Scheduled& scheduled) {
  const std::size_t end = value_at(word, scheduled.parameter).second;
  if (end == std::string::npos) return word;
  return word.substr(0, end) + "@" + scheduled.schedule + word.substr(end);
}

}  // namespace scalemix::inline v0::model
