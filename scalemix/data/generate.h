// Data made from nothing but a seed: no file, no network. Each row is a pure function of (seed,
// row), so the first rows are the same whatever the number of rows.
//
//   friedman1  10 inputs uniform on (0, 1), of which only x0 ... x4 matter:
//              y = 10 sin(pi x0 x1) + 20 (x2 - 1/2)^2 + 10 x3 + 5 x4 + e,  e standard normal
//              (Friedman 1991, Multivariate adaptive regression splines, Annals of Statistics 19)
//   moons      two interleaving half circles in the plane, two classes, normal noise
//   glyphs     28 x 28 images of the digits 0 ... 9, drawn from strokes with random shape, pose,
//              pen, clutter and noise; pixels 0 ... 255; classes balanced within every ten rows
//
// Each comes with one split, the first rows for training and the last for testing.
#pragma once

#include <cstddef>
#include <cstdint>

#include "scalemix/data/dataset.h"

namespace scalemix::inline v0::data {

inline constexpr std::size_t kFriedman1Rows = 1000, kMoonsRows = 1000, kGlyphsRows = 14000;
inline constexpr std::size_t kFriedman1Relevant = 5;  // inputs x0 ... x4

/// (rows, 10); 4 in 5 rows for training. `noise` is the standard deviation of e.
/// All three throw std::domain_error if rows < 2, rows are more numbers than SCALEMIX_MAX_GENERATED, or
/// noise is negative.
Dataset friedman1(std::size_t rows = kFriedman1Rows, std::uint64_t seed = 0, double noise = 1);

/// (rows, 2); 4 in 5 rows for training. `noise` is the standard deviation in each coordinate.
Dataset moons(std::size_t rows = kMoonsRows, std::uint64_t seed = 0, double noise = 0.15);

/// (rows, 1, 28, 28); 6 in 7 rows for training.
Dataset glyphs(std::size_t rows = kGlyphsRows, std::uint64_t seed = 0);

/// The check of their rows. Throws std::domain_error.
void check_rows(const char* who, std::size_t rows, std::size_t width);

}  // namespace scalemix::inline v0::data
