// Standardisation, learned on training rows only and stored with the model.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

/// x' = (x - mean) / scale per feature, 0 where x is NaN; y' = (y - target_mean) / target_scale.
struct Standardisation {
  std::vector<float> mean, scale;  // (K)
  double target_mean = 0, target_scale = 1;
};

/// Learns from the given rows. Tables: mean and population standard deviation per column, a
/// constant column gets scale 1. Images: mean per pixel, one scale for all: 255, the range of a
/// byte, or 1 if every pixel is within one of zero already. Classification leaves the target alone.
/// Throws DataError if `rows` is empty or a column has no number.
Standardisation standardise(const Dataset& data, std::span<const std::uint32_t> rows);

/// Names of the columns that are constant on the given rows, for a warning.
std::vector<std::string> constant_columns(const Dataset& data, std::span<const std::uint32_t> rows);

/// The part of all numbers of x that is exactly zero.
double share_of_zeros(const Dataset& data);

/// Whether a regression's target is the same on all the given rows.
bool constant_target(const Dataset& data, std::span<const std::uint32_t> rows);

}  // namespace scalemix::inline v0::data
