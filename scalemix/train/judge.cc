#include "scalemix/train/judge.h"

#include <algorithm>

#include "scalemix/kernel/loss.h"

namespace scalemix::inline v0::train {
namespace {

constexpr std::size_t kRows = 1000;  // at a time

}  // namespace

Judge::Judge(const model::Spec& spec, const Store& store, const Batches& batches)
    : task_(spec.task),
      store_(store),
      batches_(batches),
      program_(spec, store.layout, {}),
      schedule_(program_, std::min(kRows, batches.validation_rows()),
                program_.instructions().size()),
      memory_(schedule_.floats()),
      prepared_(program_.prepared()),
      targets_(schedule_.rows()),
      labels_(schedule_.rows()) {}

Judge::Score Judge::score(std::size_t r, const float* log_precision) {
  engine::Frame frame{.mode = engine::Mode::deterministic,
                      .values = store_.values_of(r),
                      .state = const_cast<float*>(store_.state_of(r)),  // read alone
                      .prepared = prepared_.data()};
  program_.prepare(frame);
  if (!log_precision && task_ == Task::regression) {
    log_precision = frame.values + store_.layout.at("output.log_precision").offset;
  }
  const std::size_t total = batches_.validation_rows();
  Score out;
  for (std::size_t first = 0; first < total; first += schedule_.rows()) {
    frame.rows = std::min(schedule_.rows(), total - first);
    batches_.validation(r, first, frame.rows, schedule_.input(memory_.data()), labels_.data(),
                        targets_.data());
    program_.forward(frame, schedule_, memory_.data(), 0, program_.instructions().size());
    const Score part = of_rows(frame.rows, log_precision, schedule_.output(memory_.data()));
    const double share = static_cast<double>(frame.rows) / static_cast<double>(total);
    out.nll += part.nll * share;
    out.error += part.error * share;
  }
  return out;
}

Judge::Score Judge::of_rows(std::size_t rows, const float* log_precision, float* outputs) {
  const std::size_t width = program_.outputs();
  double error = 0;
  if (task_ == Task::regression) {
    for (std::size_t i = 0; i < rows * width; ++i) {
      const double off = outputs[i] - targets_[i];
      error += off * off;
    }
    error /= static_cast<double>(rows * width);
    return {kernel::gaussian_nll(rows, width, outputs, targets_.data(), log_precision, outputs,
                                 nullptr),
            error};
  }
  for (std::size_t n = 0; n < rows; ++n) {
    const float* row = outputs + n * width;
    error += std::max_element(row, row + width) - row != labels_[n];
  }
  return {kernel::categorical_nll(rows, width, outputs, labels_.data(), outputs),
          error / static_cast<double>(rows)};
}

}  // namespace scalemix::inline v0::train
