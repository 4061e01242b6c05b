// Messages for the user, on standard error. Nothing depends on whether they arrive: a terminal that
// is gone, a full disk or a closed descriptor never ends the work that they are about.
#pragma once

#include <string_view>

namespace scalemix::inline v0 {

/// Writes the text as it is, a line's end included; what cannot be written is dropped.
void message(std::string_view text) noexcept;

/// Opens what a process was started without among standard input, output and error, so that no other
/// file takes their numbers and gets what is meant for them. Reading and writing there fails, as on
/// what is closed. For main(), before anything else.
void reserve_standard_files() noexcept;

}  // namespace scalemix::inline v0
