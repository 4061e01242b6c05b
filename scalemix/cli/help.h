// Help texts that fit a terminal of 80 columns.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>

namespace scalemix::inline v0::cli {

/// Breaks descriptions between words, and types such as auto|yes|no after a '|'.
std::shared_ptr<CLI::FormatterBase> help_formatter();

}  // namespace scalemix::inline v0::cli
