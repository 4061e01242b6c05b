// The nearest known word to a misspelt one, for error messages that help.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace scalemix::inline v0 {

/// Damerau-Levenshtein distance in its optimal-string-alignment form: the least number of
/// insertions, deletions, substitutions and swaps of neighbours, no piece edited twice (Damerau,
/// CACM 7(3), 1964).
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate at the least distance from `word`, the first of several, letter case aside; empty
/// if none is near: more than a third of the longer word would have to change, and at least one
/// letter may.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

/// ", did you mean 'x'?" of our word for a synonym, else of the nearest; or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string> candidates);

}  // namespace scalemix::inline v0
