// gessoRegenerateKey: a new key of the account, asked for by the server's owner.
#include <spdlog/spdlog.h>

#include <array>

#include "gesso/localdb/engine/auth/account.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kRegenerateFields[] = {{"gessoRegenerateKey", kString, Presence::kRequired}};

void regenerate_key(Context& context) {
  const std::string_view name = context.arguments.string("gessoRegenerateKey");
  auth::Account* const account = context.services.options.account.get();
  if (account == nullptr) {
    throw CommandError(ErrorCode::kBadValue, "the server has no account");
  }
  const auto which = auth::account_key(name);
  if (!which) {
    throw CommandError(
        ErrorCode::kBadValue,
        "gessoRegenerateKey: expected primary or secondary, found \"" + std::string(name) + "\"");
  }
  account->regenerate(*which);
  spdlog::info("localdb: the account {} has a new {} key", account->name(), name);
}

constexpr std::array kCommands = {
    Command{"gessoRegenerateKey", kRegenerateFields, regenerate_key, Access::kOwner},
};

}  // namespace

std::span<const Command> account_commands() { return kCommands; }

}  // namespace gesso::localdb
