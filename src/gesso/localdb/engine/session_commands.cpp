// Sessions: a standalone server keeps nothing for them, so an lsid is read over and these commands
// answer what drivers wait for.
#include <array>

#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb {
namespace {

constexpr Field kStartFields[] = {{"startSession"}};
constexpr Field kEndFields[] = {{"endSessions", kArray, Presence::kRequired}};
constexpr Field kRefreshFields[] = {{"refreshSessions", kArray, Presence::kRequired}};
constexpr Field kKillFields[] = {{"killSessions", kArray, Presence::kRequired}};

void start_session(Context& context) {
  std::array<std::uint8_t, 16> uuid{};
  context.services.random.fill(uuid);
  uuid[6] = static_cast<std::uint8_t>((uuid[6] & 0x0FU) | 0x40U);  // version 4
  uuid[8] = static_cast<std::uint8_t>((uuid[8] & 0x3FU) | 0x80U);
  context.reply.append("id", bson::make_document("id", bson::Binary{.subtype = 4, .bytes = uuid}));
  context.reply.append("timeoutMinutes", kSessionTimeoutMinutes);
}

void acknowledge(Context& context) {
  (void)context.arguments.documents(context.arguments.command());  // documents, or an error
}

constexpr std::array kCommands = {
    Command{"startSession", kStartFields, start_session, Access::kLoggedIn},
    Command{"endSessions", kEndFields, acknowledge, Access::kPublic},
    Command{"refreshSessions", kRefreshFields, acknowledge, Access::kLoggedIn},
    Command{"killSessions", kKillFields, acknowledge, Access::kLoggedIn},
};

}  // namespace

std::span<const Command> session_commands() { return kCommands; }

}  // namespace gesso::localdb
