#include "scalemix/train/batches.h"

#include <fmt/format.h>

#include <algorithm>

#include "scalemix/base/check.h"
#include "scalemix/data/split.h"
#include "scalemix/kernel/batch.h"

namespace scalemix::inline v0::train {

Batches::Batches(const data::Dataset& data, std::vector<const Replica*> replicas, std::size_t batch,
                 std::size_t least, data::Augment augment)
    : data_(data),
      replicas_(std::move(replicas)),
      batch_(std::max(batch, least)),
      least_(least),
      augment_(std::move(augment)),
      order_(replicas_.size()) {
  for (const Replica* r : replicas_) {
    check(r->split.train.size() == train_rows() && r->split.validation.size() == validation_rows(),
          "batches", "the replicas of a stack must have the same number of rows");
  }
  check(train_rows() >= least, "batches",
        fmt::format("the network normalises over the batch and needs {} training rows at least, "
                    "got {}",
                    least, train_rows()));
}

std::size_t Batches::most() const { return std::min(train_rows(), batch_ + least_ - 1); }

std::size_t Batches::count(std::size_t first) const {
  const std::size_t left = train_rows() - first;
  return left < batch_ + least_ ? left : batch_;
}

void Batches::begin(std::int64_t epoch) {
  if (epoch == epoch_) return;
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const auto& rows = replicas_[r]->split.train;
    order_[r] = data::permutation(rows.size(), replicas_[r]->seed, data::Shuffle::epoch,
                                  static_cast<std::uint32_t>(epoch));
    for (std::uint32_t& row : order_[r]) row = rows[row];
  }
  epoch_ = epoch;
}

void Batches::train(std::size_t r, std::size_t first, std::size_t count, float* x,
                    std::int64_t* labels, float* targets) const {
  const Rows rows = Rows(order_[r]).subspan(first, count);
  augment_.any() ? fill_changed(r, rows, x) : fill(r, rows, x);
  data_.soft.empty() ? answers(r, rows, labels, targets) : soft_answers(r, rows, labels, targets);
}

void Batches::fill_changed(std::size_t r, Rows rows, float* x) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  const std::size_t width = data_.width();
  thread_local std::vector<float> image, room;  // grown once per thread
  image.resize(width), room.resize(width);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(data_.x.data() + rows[i] * width, width, image.data());
    augment_(replicas_[r]->seed, static_cast<std::uint32_t>(epoch_), rows[i], data_.shape,
             image.data(), room.data());
    kernel::standardise_rows(image.data(), width, 1, s.mean.data(), s.scale.data(), x + i * width);
  }
}

void Batches::validation(std::size_t r, std::size_t first, std::size_t count, float* x,
                         std::int64_t* labels, float* targets) const {
  const Rows rows = Rows(replicas_[r]->split.validation).subspan(first, count);
  fill(r, rows, x);
  answers(r, rows, labels, targets);
}

void Batches::ground(std::size_t r, float* x) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  const std::vector<float> zeros(data_.width(), 0.0f);
  kernel::standardise_rows(zeros.data(), data_.width(), 1, s.mean.data(), s.scale.data(), x);
}

void Batches::fill(std::size_t r, Rows rows, float* x) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  kernel::gather_standardised(data_.x.data(), data_.width(), rows.size(), rows.data(),
                              s.mean.data(), s.scale.data(), x);
}

void Batches::soft_answers(std::size_t r, Rows rows, std::int64_t* labels, float* targets) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (data_.task == Task::regression) {
      targets[i] = static_cast<float>((data_.soft[rows[i]] - s.target_mean) / s.target_scale);
    } else {
      labels[i] = rows[i];
    }
  }
}

void Batches::answers(std::size_t r, Rows rows, std::int64_t* labels, float* targets) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (data_.task == Task::regression) {
      targets[i] = static_cast<float>((data_.y[rows[i]] - s.target_mean) / s.target_scale);
    } else {
      labels[i] = data_.label[rows[i]];
    }
  }
}

}  // namespace scalemix::inline v0::train
