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

Batch Batches::train(std::int64_t epoch, std::size_t first, std::size_t count) {
  if (epoch != epoch_) shuffle(epoch);
  std::vector<std::span<const std::uint32_t>> rows;
  for (const auto& order : order_) rows.push_back(std::span(order).subspan(first, count));
  return gather(rows);
}

Batch Batches::validation(std::size_t first, std::size_t count) {
  std::vector<std::span<const std::uint32_t>> rows;
  for (const Replica* r : replicas_) {
    rows.push_back(std::span(r->split.validation).subspan(first, count));
  }
  return gather(rows);
}

Batch Batches::gather(const std::vector<std::span<const std::uint32_t>>& rows) {
  const auto replicas = static_cast<std::int64_t>(rows.size());
  const auto count = static_cast<std::int64_t>(rows.front().size());
  const std::size_t width = data_.width();
  std::vector<std::int64_t> sizes{replicas, count};
  sizes.insert(sizes.end(), data_.shape.begin(), data_.shape.end());
  const bool regression = data_.task == Task::regression;
  Batch batch{.x = torch::empty(sizes),
              .target = regression ? torch::empty({replicas, count, 1})
                                   : torch::empty({replicas, count}, torch::kInt64)};
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const data::Standardisation& s = replicas_[r]->standardisation;
    kernel::gather_standardised(data_.x.data(), width, rows[r].size(), rows[r].data(),
                                s.mean.data(), s.scale.data(),
                                batch.x.data_ptr<float>() + r * rows[r].size() * width);
    for (std::size_t i = 0; i < rows[r].size(); ++i) {
      const std::size_t at = r * rows[r].size() + i;
      if (regression) {
        batch.target.data_ptr<float>()[at] =
            static_cast<float>((data_.y[rows[r][i]] - s.target_mean) / s.target_scale);
      } else {
        batch.target.data_ptr<std::int64_t>()[at] = data_.label[rows[r][i]];
      }
    }
  }
  return batch;
}

}  // namespace scalemix::inline v0::train
