// What a method's word may say beyond its parameters, for every method alike:
//
//   bernoulli:p=0.5@linear:start=0    a schedule of a parameter (parameter_schedule.h)
//   bernoulli:p=0.2/0.5/0.5           a value for each place, in execution order
//
// The place on the network's input that `input=` makes is not counted: its value is `input`.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scalemix/model/spec.h"

namespace scalemix::inline v0::model {

struct MethodWord {
  std::vector<std::string> words;    // one, or one for each place
  std::vector<std::string> listed;   // keys that have a value for each place
  std::vector<Scheduled> schedules;  // canonical
  bool input = false;                // whether `input` is given
};

/// Throws ConfigError: a schedule that is none, lists of different lengths.
MethodWord read_method_word(std::string_view word);

/// Decorates `spec`, once for each of its words, and joins what came of it: place i has the noise of
/// word i, and the schedules. Throws as `decorate` does, and ConfigError where the places are not as
/// many as the words.
void decorate_by(const MethodWord& method, Spec& spec,
                 const std::function<void(Spec&, const std::string& word)>& decorate);

}  // namespace scalemix::inline v0::model
