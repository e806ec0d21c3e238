// The `gesso` program: parses the command line, loads the settings, runs a subcommand and makes an
// exit status of what came of it.
#pragma once

namespace gesso::cli {

// Returns the exit status (see `ExitCode`). Prints errors to stderr.
int run(int argc, const char* const* argv);

}  // namespace gesso::cli
