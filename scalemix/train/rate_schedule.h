// The learning rate over a training, as a factor; one row per schedule. Times are in epochs and may be
// fractional.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "scalemix/base/word.h"

namespace scalemix::inline v0::train {

struct RateScheduleRow {
  std::string_view name, summary;
  std::vector<Parameter> parameters;
  double (*factor)(const std::vector<double>& own, double epoch, double epochs);
};

const std::vector<RateScheduleRow>& rate_schedules();

/// "step:every=10,factor=0.1", read once.
class RateSchedule {
 public:
  /// Throws ConfigError or std::domain_error, as words do.
  explicit RateSchedule(std::string_view word);
  double operator()(double epoch, double epochs) const { return row_->factor(own_, epoch, epochs); }

 private:
  const RateScheduleRow* row_;
  std::vector<double> own_;
};

}  // namespace scalemix::inline v0::train
