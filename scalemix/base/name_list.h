// Names in one line, for messages and tables.
#pragma once

#include <span>
#include <string>

namespace scalemix::inline v0 {

/// The name as it stands in a list: in quotes if it is empty, holds a comma or a quote, or begins
/// or ends with a blank, so that a reader can tell where it ends.
std::string quoted_name(const std::string& name);

/// "size, city, 'price, EUR'".
std::string name_list(std::span<const std::string> names);

}  // namespace scalemix::inline v0
