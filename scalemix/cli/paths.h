// What a command's options say about files, checked before any work.
//
// An option takes a path if its type says so (run::takes_path). What it names is read, unless the option is marked by writes().
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace scalemix::inline v0::cli {

/// Marks an option whose value is a file that the command writes.
CLI::Option* writes(CLI::Option* option);
bool is_written(const CLI::Option& option);

/// Of a subcommand whose options are parsed. Throws ConfigError if
///   - a path is empty, or an output's is "-";
///   - two options name one file to write;
///   - an output is also an input: the same file, by whatever name, standard input, a file of a
///     folder that is read;
///   - an output is a file that a run keeps (its model, its log, ...);
/// and FileError, as check_output(), if an output cannot be written.
void check_paths(const CLI::App& sub);

/// The same of one output beside `inputs`; `flag` names it in the message.
void check_written(const std::string& flag, const std::string& path,
                   const std::vector<std::string>& inputs);

}  // namespace scalemix::inline v0::cli
