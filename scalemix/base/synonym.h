// What people call a thing elsewhere: "dropout" is bernoulli here, "learning-rate" is lr.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

struct Synonym {
  std::string_view theirs, ours;
};
/// All of them; one word of theirs may stand for several of ours.
std::span<const Synonym> synonyms();

/// The candidate that is our name of `word`; empty if there is none. "-" and "_" are the same, letter case
/// does not count, a leading "--" is kept.
std::string synonym(std::string_view word, std::span<const std::string> candidates);

}  // namespace scalemix::inline v0
