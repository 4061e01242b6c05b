#include "scalemix/train/fit.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <numeric>
#include <optional>

#include "scalemix/base/check.h"
#include "scalemix/train/tune.h"

namespace scalemix::inline v0::train {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kUnsettled = 0.1;  // nats per row
constexpr std::size_t kTuningSamples = 100;

template <class F, class... Args>
void call(const F& f, Args&&... args) {
  if (f) f(std::forward<Args>(args)...);
}

class Training {
 public:
  Training(const Plan& plan, const Callbacks& callbacks, const Checkpoints& checkpoints)
      : plan_(plan), callbacks_(callbacks), checkpoints_(checkpoints) {}

  bool run(const data::Dataset& data) {
    const bool keeps = !checkpoints_.path.empty();
    bool resumes = keeps && std::filesystem::exists(checkpoints_.path);
    if (resumes) position_ = read_position(checkpoints_.path);
    position_.about = checkpoints_.about;
    bool begun = resumes;
    const std::vector<std::vector<std::size_t>> groups = group(plan_);
    for (; position_.stack < groups.size(); ++position_.stack) {
      Stack stack(data, plan_, groups[position_.stack]);
      if (resumes) resume(stack);
      resumes = false;
      // From the first step on there is one: where it is missing, it was lost.
      if (keeps && !begun) checkpoint(stack);
      begun = true;
      call(callbacks_.begin, stack, position_.stack);
      if (!run_stack(stack)) return false;
    }
    return true;
  }

  /// False if a stop ended it.
  bool run_stack(Stack& stack) {
    while (!stack.done()) {
      if (!run_epoch(stack)) return false;
    }
    stack.settle();
    call(callbacks_.end, stack);
    // A resume after this starts where training ended.
    if (!checkpoints_.path.empty()) checkpoint(stack);
    return true;
  }

 private:
  void resume(Stack& stack) {
    for (const std::string& difference : load_checkpoint(checkpoints_.path, stack)) {
      call(callbacks_.say, "not the same bits as before the interruption: " + difference);
    }
  }

  bool run_epoch(Stack& stack) {
    while (!stack.epoch_done()) {
      stack.step();
      call(callbacks_.step, stack);
      const bool stop = callbacks_.stop && callbacks_.stop();
      if (!checkpoints_.path.empty() && (stop || due(stack))) checkpoint(stack);
      if (stop) return false;
    }
    const EpochReport report = stack.end_epoch();
    call(callbacks_.epoch, report);
    if (stack.done() && plan_.options.patience == 0) warn_of_precision(report);
    for (std::size_t r = 0; r < stack.replicas(); ++r) {
      const State& s = stack.state;
      if (!s.active[r] && s.epoch - s.best_epoch[r] == plan_.options.patience) {
        call(callbacks_.say, fmt::format("replica {} stopped early; best epoch {}",
                                         stack.members()[r], s.best_epoch[r]));
      }
    }
    return true;
  }

  void warn_of_precision(const EpochReport& report) const {
    for (std::size_t r = 0; r < report.precision_gap.size(); ++r) {
      if (report.precision_gap[r] < kUnsettled) continue;
      call(
          callbacks_.say,
          fmt::format("replica {}: the precision has not settled, it misses the errors of the last "
                      "epoch by {:.2f} nats per row; train longer, or set it",
                      report.replicas[r], report.precision_gap[r]));
    }
  }

  bool due(const Stack& stack) const {
    if (checkpoints_.steps > 0) return stack.state.step % checkpoints_.steps == 0;
    return std::chrono::duration<double>(Clock::now() - written_).count() >= checkpoints_.seconds;
  }

  void checkpoint(Stack& stack) {
    if (checkpoints_.log_offset) position_.log_offset = checkpoints_.log_offset();
    save_checkpoint(checkpoints_.path, stack, position_);
    written_ = Clock::now();
  }

  const Plan& plan_;
  const Callbacks& callbacks_;
  const Checkpoints& checkpoints_;
  Position position_;
  Clock::time_point written_ = Clock::now();
};

void check_fit(const model::Spec& spec, const data::Dataset& data) {
  spec.validate();
  check(spec.task == data.task, "fit", "the network is for another task than the data");
  check(model::elements(spec.input) == data.width(), "fit",
        fmt::format("the network takes rows of {} numbers, the data has {}",
                    model::elements(spec.input), data.width()));
  check(data.rows() > 0 && data.x.size() == data.rows() * data.width(), "fit",
        fmt::format("expected rows of {} numbers, got {} numbers for {} rows", data.width(),
                    data.x.size(), data.rows()));
  check(spec.task == Task::classification || spec.outputs == 1, "fit",
        fmt::format("rows have one target, the network has {}", spec.outputs));
  for (const std::int32_t label : data.label) {
    check(label >= 0 && static_cast<std::size_t>(label) < spec.outputs, "fit",
          fmt::format("class numbers must be in [0, {}), got {}", spec.outputs, label));
  }
}

data::Dataset rows_of(const model::Spec& spec, Task task, std::span<const float> x) {
  data::Dataset out;
  out.name = "rows";
  out.task = task;
  out.shape = spec.input;
  out.x.assign(x.begin(), x.end());
  return out;
}

}  // namespace

bool run(const data::Dataset& data, const Plan& plan, const Callbacks& callbacks,
         const Checkpoints& checkpoints) {
  return Training(plan, callbacks, checkpoints).run(data);
}

model::Model fit(const model::Spec& spec, const data::Dataset& data, FitOptions options,
                 const Callbacks& callbacks) {
  check_fit(spec, data);
  validate(options);
  Plan plan{.spec = spec};
  resolve(options, data, spec);
  Replica replica{.seed = options.seed};
  replica.split.train.resize(data.rows());
  std::iota(replica.split.train.begin(), replica.split.train.end(), 0u);
  prepare(replica, options, data);
  replica.settings = settings_of(options, {});
  plan.options = std::move(options);
  plan.replicas.push_back(std::move(replica));
  if (tunes_precision(plan.options)) {
    const Tuning tuning = tune_precision(data, plan, kTuningSamples, callbacks);
    plan.options.precision = tuning.best.empty() ? "learned" : tuning.word();
  }
  Stack stack(data, plan, {0});
  call(callbacks.begin, stack, std::size_t{0});
  Training(plan, callbacks, {}).run_stack(stack);
  return stack.model(0);
}

model::Model fit(const model::Spec& spec, std::span<const float> x, std::span<const float> y,
                 FitOptions options, const Callbacks& callbacks) {
  data::Dataset data = rows_of(spec, Task::regression, x);
  data.y.assign(y.begin(), y.end());
  return fit(spec, data, std::move(options), callbacks);
}

model::Model fit(const model::Spec& spec, std::span<const float> x,
                 std::span<const std::int32_t> label, FitOptions options,
                 const Callbacks& callbacks) {
  data::Dataset data = rows_of(spec, Task::classification, x);
  data.label.assign(label.begin(), label.end());
  for (std::size_t c = 0; c < spec.outputs; ++c) data.classes.push_back(fmt::format("{}", c));
  return fit(spec, data, std::move(options), callbacks);
}

}  // namespace scalemix::inline v0::train
