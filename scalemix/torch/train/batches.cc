#include "scalemix/torch/train/batches.h"

#include "scalemix/base/check.h"
#include "scalemix/data/split.h"
#include "scalemix/kernel/batch.h"

namespace scalemix::inline v0::train {

Batches::Batches(const data::Dataset& data, std::vector<const Replica*> replicas)
    : data_(data), replicas_(std::move(replicas)), order_(replicas_.size()) {
  for (const Replica* r : replicas_) {
    check(r->split.train.size() == train_rows() && r->split.validation.size() == validation_rows(),
          "batches", "the replicas of a stack must have the same number of rows");
  }
}

void Batches::shuffle(std::int64_t epoch) {
  for (std::size_t r = 0; r < replicas_.size(); ++r) {
    const auto& rows = replicas_[r]->split.train;
    order_[r] =
        data::permutation(rows.size(), replicas_[r]->seed, static_cast<std::uint32_t>(epoch));
    for (std::uint32_t& row : order_[r]) row = rows[row];
  }
  epoch_ = epoch;
}

void Batches::begin(std::int64_t epoch) {
  if (epoch != epoch_) shuffle(epoch);
}

Batch Batches::train(std::int64_t epoch, std::size_t first, std::size_t count) {
  begin(epoch);
  std::vector<Rows> rows;
  for (const auto& order : order_) rows.push_back(Rows(order).subspan(first, count));
  return gather(rows);
}

void Batches::fill(std::size_t r, std::size_t first, std::size_t count, float* x,
                   std::int64_t* labels, float* targets) const {
  fill(r, Rows(order_[r]).subspan(first, count), x, labels, targets);
}

void Batches::ground(std::size_t r, float* x) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  const std::vector<float> zeros(data_.width(), 0.0f);
  kernel::standardise_rows(zeros.data(), data_.width(), 1, s.mean.data(), s.scale.data(), x);
}

Batch Batches::validation(std::size_t first, std::size_t count) {
  std::vector<Rows> rows;
  for (const Replica* r : replicas_)
    rows.push_back(Rows(r->split.validation).subspan(first, count));
  return gather(rows);
}

void Batches::fill(std::size_t r, Rows rows, float* x, std::int64_t* labels, float* targets) const {
  const data::Standardisation& s = replicas_[r]->standardisation;
  kernel::gather_standardised(data_.x.data(), data_.width(), rows.size(), rows.data(),
                              s.mean.data(), s.scale.data(), x);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (data_.task == Task::regression) {
      targets[i] = static_cast<float>((data_.y[rows[i]] - s.target_mean) / s.target_scale);
    } else {
      labels[i] = data_.label[rows[i]];
    }
  }
}

Batch Batches::gather(const std::vector<Rows>& rows) {
  const auto replicas = static_cast<std::int64_t>(rows.size());
  const auto count = static_cast<std::int64_t>(rows.front().size());
  std::vector<std::int64_t> sizes{replicas, count};
  sizes.insert(sizes.end(), data_.shape.begin(), data_.shape.end());
  const bool regression = data_.task == Task::regression;
  Batch batch{.x = torch::empty(sizes),
              .target = regression ? torch::empty({replicas, count, 1})
                                   : torch::empty({replicas, count}, torch::kInt64)};
  for (std::int64_t r = 0; r < replicas; ++r) {
    fill(static_cast<std::size_t>(r), rows[static_cast<std::size_t>(r)],
         batch.x.data_ptr<float>() + r * count * static_cast<std::int64_t>(data_.width()),
         regression ? nullptr : batch.target.data_ptr<std::int64_t>() + r * count,
         regression ? batch.target.data_ptr<float>() + r * count : nullptr);
  }
  return batch;
}

}  // namespace scalemix::inline v0::train
