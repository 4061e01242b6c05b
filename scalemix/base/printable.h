// Text from a file, made fit for a terminal and for one line of a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace scalemix::inline v0 {

/// `text` with everything written out that a terminal would obey or hide: control characters (ESC becomes
/// \x1b, a line end \n), bytes that are no UTF-8, and the characters that turn the direction of writing or
/// take no room. Letters of all scripts stay. With `lines`, line ends and tabs stay too.
std::string printable(std::string_view text, bool lines = false);

/// At most `most` bytes of it, cut between characters: "abcdefg...".
std::string shortened(std::string_view text, std::size_t most);

}  // namespace scalemix::inline v0
