// Schedules: how a parameter of a method changes as training goes on. A word after the value,
// whose own arguments are separated by ';':
//
//   bernoulli:p=0.5@curriculum:gamma=1e-3;start=0,input=0.2
//
//   linear      from `start` to the value, over a part of the training
//   cosine      the same, by half a cosine
//   curriculum  value + (start - value) exp(-gamma step): from `start` towards the value
//   annealed    end + (value - end) exp(-gamma step): from the value towards `end`
//
// Steps count from 0. A prediction has the value where the schedule leads: after all steps of linear
// and cosine, after infinitely many of the others.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scalemix/base/word.h"
#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

struct ScheduleRow {
  std::string_view name, summary, source;
  std::vector<Parameter> parameters;
  /// At a step, of `progress`, the share of the training that is done.
  double (*at)(double value, const std::vector<double>& own, double step, double progress);
  double (*first)(double value, const std::vector<double>& own);
  double (*last)(double value, const std::vector<double>& own);
};

const std::vector<ScheduleRow>& parameter_schedules();

class ParameterSchedule {
 public:
  /// Throws ConfigError or std::domain_error, as words do.
  static ParameterSchedule parse(std::string_view word);

  /// "linear:start=0;from=0;to=1".
  std::string word() const;
  double at(double value, double step, double progress) const {
    return row_->at(value, own_, step, progress);
  }
  double first(double value) const { return row_->first(value, own_); }
  double last(double value) const { return row_->last(value, own_); }

 private:
  const ScheduleRow* row_ = nullptr;
  std::vector<double> own_;
};

/// Where the value of a parameter stands in a word, from and to; npos, npos without it.
std::pair<std::size_t, std::size_t> value_at(std::string_view word, std::string_view parameter);

/// "bernoulli:p=0.5" with a schedule behind the value of its parameter:
/// "bernoulli:p=0.5@linear:start=0;from=0;to=1". A word without the parameter stays as it is.
std::string put_schedule(const std::string& word, const Scheduled& scheduled);

}  // namespace scalemix::inline v0::model
