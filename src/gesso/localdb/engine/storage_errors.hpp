// The store's refusals as the engine's: the one place that gives them MongoDB's codes.
#pragma once

#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/storage/storage_error.hpp"

namespace gesso::localdb {

[[nodiscard]] CommandError as_command_error(const StorageError& error);

}  // namespace gesso::localdb
