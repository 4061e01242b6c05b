#include "scalemix/run/trainer.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "scalemix/run/progress.h"
#include "scalemix/run/resume.h"
#include "scalemix/train/fit.h"

namespace scalemix::inline v0::run {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// The line of the log.
nlohmann::json line_of(const train::EpochReport& r, Task task) {
  nlohmann::json line = {
      {"epoch", r.epoch}, {"step", r.step}, {"replicas", r.replicas}, {"nll", r.nll}, {"lr", r.lr}};
  if (!r.penalty.empty()) {
    line["penalty"] = r.penalty;
    line["penalty_weight"] = r.penalty_weight;
  }
  if (!r.sparsity.empty()) line["sparsity"] = r.sparsity;
  if (!r.precision_gap.empty()) line["precision_gap"] = r.precision_gap;
  if (!r.validation.nll.empty()) {
    line["validation_nll"] = r.validation.nll;
    line[task == Task::regression ? "validation_rmse" : "validation_error"] = r.validation.error;
  }
  return line;
}

/// What stands behind the progress bar.
std::string note_of(const train::EpochReport& r, Task task) {
  std::string text = fmt::format("nll {:.4g}", mean(r.nll));
  if (!r.sparsity.empty()) text += fmt::format(", {:.1f} % zero", 100 * mean(r.sparsity));
  if (!r.validation.error.empty()) {
    text += fmt::format(", {} {:.4g}",
                        task == Task::regression ? "validation_rmse" : "validation_error",
                        mean(r.validation.error));
  }
  return text;
}

/// What is shown of the stacks, one after the other.
class Display {
 public:
  Display(const Plan& plan, bool quiet)
      : plan_(plan), quiet_(quiet), stacks_(train::group(plan).size()) {}

  void begin(const train::Stack& stack, std::size_t number) {
    const std::string what =
        stacks_ == 1 ? "epoch" : fmt::format("epoch of stack {} of {}", number + 1, stacks_);
    progress_ =
        std::make_unique<Progress>(what, static_cast<std::uint64_t>(plan_.config.epochs), quiet_);
    progress_->start_at(static_cast<double>(stack.state.epoch));
    note_.clear();
  }
  void step(const train::Stack& stack) {
    const train::State& s = stack.state;
    const double part = static_cast<double>(s.row) / static_cast<double>(stack.rows());
    const bool first = note_.empty() && s.row > 0;
    progress_->update(
        static_cast<double>(s.epoch) + part,
        first ? fmt::format("nll {:.4g}", mean(s.nll_sum) / static_cast<double>(s.row)) : note_);
  }
  void epoch(const train::EpochReport& report) { note_ = note_of(report, plan_.spec.task); }
  void end(const train::Stack& stack) {
    progress_->finish(static_cast<double>(stack.state.epoch), note_);
  }

 private:
  const Plan& plan_;
  bool quiet_;
  std::size_t stacks_;
  std::unique_ptr<Progress> progress_;
  std::string note_;
};

}  // namespace

bool train(const Plan& plan, const Folder& folder, const RunOptions& options) {
  MetricsLog log(folder.metrics_log(), check_resume(plan, folder, options.say));
  Display display(plan, options.quiet);
  train::Callbacks callbacks;
  callbacks.begin = [&](const train::Stack& stack, std::size_t number) {
    display.begin(stack, number);
  };
  callbacks.step = [&](const train::Stack& stack) { display.step(stack); };
  callbacks.epoch = [&](const train::EpochReport& report) {
    display.epoch(report);
    log.append(line_of(report, plan.spec.task));
  };
  callbacks.end = [&](const train::Stack& stack) {
    for (std::size_t m = 0; m < stack.replicas(); ++m) {
      model::save_model(folder.model(stack.members()[m], plan.replicas.size()), stack.model(m));
    }
    display.end(stack);
  };
  callbacks.stop = [&] { return options.stop && *options.stop; };
  callbacks.say = options.say;
  const train::Checkpoints checkpoints{.path = folder.checkpoint(),
                                       .seconds = plan.config.checkpoint_seconds,
                                       .steps = plan.config.checkpoint_steps,
                                       .log_offset = [&] { return log.offset(); },
                                       .about = identity(plan, folder)};
  return train::run(plan.data, plan, callbacks, checkpoints);
}

}  // namespace scalemix::inline v0::run
