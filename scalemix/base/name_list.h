// Names in one line, for messages and tables.
#pragma once

#include <span>
#include <string>

namespace scalemix::inline v0 {

/// The name as it stands in a list: in quotes if it is empty, holds a comma or a quote, or begins
/// or ends with a blank, so that a reader can tell where it ends; control characters written out.
std::string quoted_name(const std::string& text);

/// "size, city, 'price, EUR'"; of many names the first kMostListed "and 7 more"; long ones cut.
std::string name_list(std::span<const std::string> names);

}  // namespace scalemix::inline v0
