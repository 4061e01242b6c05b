#include "scalemix/torch/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "scalemix/base/error.h"

namespace scalemix::inline v0::train {
namespace {

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Trainer::Trainer(const Plan& plan, run::Folder folder, RunOptions options)
    : plan_(plan), folder_(std::move(folder)), options_(std::move(options)), groups_(group(plan)) {
  if (std::filesystem::exists(folder_.checkpoint())) {
    position_ = read_position(folder_.checkpoint());
    resumed_ = true;
  }
  log_.emplace(folder_.metrics_log(), position_.log_offset);
}

bool Trainer::run() {
  for (; position_.stack < groups_.size(); ++position_.stack) {
    Stack stack(plan_, groups_[position_.stack]);
    if (resumed_) {
      for (const std::string& difference : load_checkpoint(folder_.checkpoint(), stack)) {
        options_.say("not the same bits as before the interruption: " + difference);
      }
      resumed_ = false;
    }
    if (!run_stack(stack)) return false;
  }
  return true;
}

bool Trainer::run_stack(Stack& stack) {
  const std::string what = groups_.size() == 1 ? "epoch"
                                               : fmt::format("epoch of stack {} of {}",
                                                             position_.stack + 1, groups_.size());
  progress_.emplace(what, static_cast<std::uint64_t>(plan_.config.epochs), options_.quiet);
  progress_->start_at(static_cast<double>(stack.state.epoch));
  while (!stack.done()) {
    if (!run_epoch(stack)) return false;
  }
  stack.restore_best();
  save_models(stack);
  progress_->finish(static_cast<double>(stack.state.epoch), note(stack));
  return true;
}

bool Trainer::run_epoch(Stack& stack) {
  while (!stack.epoch_done()) {
    stack.step();
    const double done = static_cast<double>(stack.state.epoch) +
                        static_cast<double>(stack.state.row) / static_cast<double>(stack.rows());
    progress_->update(done, note(stack));
    const bool stop = options_.stop && *options_.stop;
    if (stop || checkpoint_due(stack)) checkpoint(stack);
    if (stop) return false;
  }
  last_line_ = stack.end_epoch();
  log_->append(last_line_);
  for (std::size_t r = 0; r < stack.replicas(); ++r) {
    if (!stack.state.active[r] &&
        stack.state.epoch - stack.state.best_epoch[r] == plan_.config.patience) {
      options_.say(fmt::format("replica {} stopped early; best epoch {}", stack.members()[r],
                               stack.state.best_epoch[r]));
    }
  }
  return true;
}

bool Trainer::checkpoint_due(const Stack& stack) const {
  if (plan_.config.checkpoint_steps > 0) {
    return stack.state.step % plan_.config.checkpoint_steps == 0;
  }
  return std::chrono::duration<double>(Clock::now() - written_).count() >=
         plan_.config.checkpoint_seconds;
}

void Trainer::checkpoint(Stack& stack) {
  position_.log_offset = log_->offset();
  save_checkpoint(folder_.checkpoint(), stack, position_);
  written_ = Clock::now();
}

void Trainer::save_models(Stack& stack) {
  for (std::size_t m = 0; m < stack.replicas(); ++m) {
    model::save_model(folder_.model(stack.members()[m], plan_.replicas.size()), stack.model(m));
  }
  // A resume after this starts where training ended.
  checkpoint(stack);
}

std::string Trainer::note(const Stack& stack) const {
  std::string text;
  if (last_line_.is_object()) {
    text = fmt::format("nll {:.4g}", mean(last_line_.at("nll")));
    if (last_line_.contains("sparsity")) {
      text += fmt::format(", {:.1f} % zero", 100 * mean(last_line_.at("sparsity")));
    }
    for (const char* key : {"validation_error", "validation_rmse"}) {
      if (last_line_.contains(key))
        text += fmt::format(", {} {:.4g}", key, mean(last_line_.at(key)));
    }
  } else if (stack.state.row > 0) {
    text =
        fmt::format("nll {:.4g}", mean(stack.state.nll_sum) / static_cast<double>(stack.state.row));
  }
  return text;
}

double estimate_seconds(const Plan& plan) {
  constexpr int kWarm = 2, kTimed = 5;
  double seconds = 0;
  for (const auto& members : group(plan)) {
    Stack stack(plan, members);
    const auto steps = [&](int n) {
      for (int i = 0; i < n; ++i) {
        if (stack.epoch_done()) stack.end_epoch();
        stack.step();
      }
    };
    steps(kWarm);
    const auto begin = std::chrono::steady_clock::now();
    steps(kTimed);
    const double step =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / kTimed;
    const double per_epoch =
        std::ceil(static_cast<double>(stack.rows()) / static_cast<double>(plan.config.batch));
    seconds += step * per_epoch * plan.config.epochs;
  }
  return seconds;
}

}  // namespace scalemix::inline v0::train
