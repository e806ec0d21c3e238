#include "gesso/localdb/engine/dialect.hpp"

#include "gesso/localdb/engine/chain.hpp"
#include "gesso/localdb/engine/storage_errors.hpp"

namespace gesso::localdb {

std::span<const Link* const> Dialect::chain() const { return plain_chain(); }

std::shared_ptr<const IndexSpec> Dialect::parse_index(bson::View description) const {
  return std::make_shared<const IndexSpec>(IndexSpec::parse(description));
}

CommandError Dialect::refusal_of(const StorageError& error) const {
  return as_command_error(error);
}

}  // namespace gesso::localdb
