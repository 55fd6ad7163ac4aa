// Options from a file, for a subcommand.
#pragma once

#include <string>

#include <CLI/CLI.hpp>

namespace toxtcp {

/// Gives the command those options that the file names (`port = 33445`, one a line, # begins a comment) and the command
/// line did not. Throws what CLI11 throws for a wrong command line.
void read_config_file(CLI::App &command, const std::string &path);

} // namespace toxtcp
