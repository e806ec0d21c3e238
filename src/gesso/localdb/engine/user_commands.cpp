// createUser, updateUser, dropUser, dropAllUsersFromDatabase, usersInfo.
//
// A user is written to admin.system.users first and to the directory in memory after the commit;
// one mutex keeps the two in one order.
#include <algorithm>
#include <array>

#include "gesso/base/uuid.hpp"
#include "gesso/localdb/engine/context.hpp"
#include "gesso/localdb/engine/names.hpp"
#include "gesso/localdb/language/command_error.hpp"

namespace gesso::localdb {
namespace {

constexpr int kRoleNotFound = 31;

constexpr Field kCreateFields[] = {
    {"createUser", kString, Presence::kRequired},
    {"pwd", kString, Presence::kRequired},
    {"roles", kArray, Presence::kRequired},
    {"customData", kObject},
    {"digestPassword", kFlag},
    {"mechanisms", kArray},
    {"authenticationRestrictions", kArray},
};
constexpr Field kUpdateFields[] = {
    {"updateUser", kString, Presence::kRequired},
    {"pwd", kString},
    {"roles", kArray},
    {"customData", kObject},
    {"digestPassword", kFlag},
    {"mechanisms", kArray},
    {"authenticationRestrictions", kArray},
};
constexpr Field kDropFields[] = {{"dropUser", kString, Presence::kRequired}};
constexpr Field kDropAllFields[] = {{"dropAllUsersFromDatabase"}};
constexpr Field kInfoFields[] = {
    {"usersInfo", kString | kNumber | kObject | kArray, Presence::kRequired},
    {"showCredentials", kFlag},
    {"showCustomData", kFlag},
    {"showPrivileges", kFlag},
    {"showAuthenticationRestrictions", kFlag},
    {"filter", kObject},
};
constexpr Field kRoleFields[] = {{"role", kString, Presence::kRequired},
                                 {"db", kString, Presence::kRequired}};
constexpr Field kUserNameFields[] = {{"user", kString, Presence::kRequired},
                                     {"db", kString, Presence::kRequired}};

[[noreturn]] void user_not_found(std::string_view db, std::string_view name) {
  throw CommandError(ErrorCode::kUserNotFound, "Could not find user \"" + std::string(name) +
                                                   "\" for db \"" + std::string(db) + "\"");
}

std::vector<auth::Role> parse_roles(const Context& context) {
  std::vector<auth::Role> roles;
  for (const auto& [key, value] : context.arguments.document("roles")) {
    check_type("roles." + std::string(key), value, kString | kObject);
    auth::Role role;
    if (value.is_string()) {
      role = {.name = std::string(value.as_string()), .db = std::string(context.db)};
    } else {
      const Arguments parts("roles", kRoleFields, value.as_document());
      role = {.name = std::string(parts.string("role")), .db = std::string(parts.string("db"))};
    }
    if (!auth::grant_of(role)) {
      throw CommandError(kRoleNotFound, "Could not find role: " + role.name + "@" + role.db);
    }
    roles.push_back(std::move(role));
  }
  return roles;
}

// What there is for SCRAM-SHA-1 and for restrictions by address must not be read over.
void check_options(const Arguments& arguments) {
  if (!arguments.flag("digestPassword", true)) {
    throw CommandError(ErrorCode::kBadValue, "Use of SCRAM-SHA-256 requires undigested passwords");
  }
  if (arguments.has("mechanisms")) {
    bool found = false;
    for (const auto& [key, value] : arguments.document("mechanisms")) {
      found = found || (value.is_string() && value.as_string() == "SCRAM-SHA-256");
    }
    if (!found) {
      throw CommandError(ErrorCode::kBadValue, "mechanisms must contain SCRAM-SHA-256");
    }
  }
  if (!arguments.document("authenticationRestrictions").empty()) {
    throw CommandError(ErrorCode::kCommandNotSupported,
                       "authenticationRestrictions are not supported");
  }
}

// Nobody gives what he may not give: the right to make users on the role's database.
void require_grant(const Context& context, const std::vector<auth::Role>& roles) {
  for (const auth::Role& role : roles) {
    require_rights(context.services, context.client, auth::kUsers, role.db,
                   context.arguments.command());
  }
}

void store_user(Context& context, const auth::User& user, bool is_new, bool is_first) {
  const bson::Document document = user.encode();
  context.services.store.write([&](WriteTransaction& write) {
    const CollectionPtr users = write.ensure_collection(kUsersDatabase, kUsersCollection);
    const std::optional<Record> record = write.find_by_id(*users, document["_id"]);
    if (is_first && write.counters(*users).documents > 0) {
      throw CommandError(ErrorCode::kUnauthorized, "there is a first user already");
    }
    if (is_new && record) {
      throw CommandError(ErrorCode::kUserAlreadyExists,
                         "User \"" + user.name + "@" + user.db + "\" already exists");
    }
    if (!is_new && !record) user_not_found(user.db, user.name);
    if (record) {
      write.replace(*users, record->id, document);
    } else {
      write.insert(*users, document);
    }
  });
}

void create_user(Context& context) {
  Services& services = context.services;
  const Arguments& arguments = context.arguments;
  // While there is no user, whoever is on this machine may make the first one.
  const bool is_first = services.options.require_auth && !services.options.account &&
                        services.users.empty() && context.client.is_local;
  auth::User user;
  user.name = arguments.string("createUser");
  user.db = context.db;
  if (user.name.empty()) throw CommandError(ErrorCode::kBadValue, "User name cannot be empty");
  user.roles = parse_roles(context);
  if (!is_first) {
    require_rights(services, context.client, auth::kUsers, context.db, "createUser");
    require_grant(context, user.roles);
  }
  check_options(arguments);
  user.uuid = random_uuid(services.random);
  user.credentials = auth::make_credentials(arguments.string("pwd"), services.random);
  user.has_custom_data = arguments.has("customData");
  user.custom_data = bson::Document(arguments.document("customData"));

  const std::lock_guard lock(services.user_mutex);
  store_user(context, user, true, is_first);
  services.users.put(std::move(user));
}

void update_user(Context& context) {
  Services& services = context.services;
  const Arguments& arguments = context.arguments;
  if (!arguments.has("pwd") && !arguments.has("roles") && !arguments.has("customData")) {
    throw CommandError(ErrorCode::kBadValue,
                       "Must specify at least one field to update in updateUser");
  }
  check_options(arguments);
  std::optional<auth::Credentials> credentials;
  if (arguments.has("pwd")) {
    credentials = auth::make_credentials(arguments.string("pwd"), services.random);
  }
  const std::vector<auth::Role> roles = parse_roles(context);
  require_grant(context, roles);

  const std::lock_guard lock(services.user_mutex);
  const std::string_view name = arguments.string("updateUser");
  const auth::UserPtr before = services.users.find(context.db, name);
  if (!before) user_not_found(context.db, name);
  auth::User user = *before;
  if (credentials) user.credentials = std::move(*credentials);
  if (arguments.has("roles")) user.roles = roles;
  if (arguments.has("customData")) {
    user.has_custom_data = true;
    user.custom_data = bson::Document(arguments.document("customData"));
  }
  store_user(context, user, false, false);
  services.users.put(std::move(user));
}

void remove_stored(Store& store, const std::vector<auth::UserPtr>& gone) {
  store.write([&](WriteTransaction& write) {
    const CollectionPtr users = write.find_collection(kUsersDatabase, kUsersCollection);
    if (!users) return;
    for (const auth::UserPtr& user : gone) {
      const bson::Document id = bson::make_document("_id", user->id());
      if (const auto record = write.find_by_id(*users, id["_id"])) {
        (void)write.remove(*users, record->id);
      }
    }
  });
}

void drop_user(Context& context) {
  Services& services = context.services;
  const std::string_view name = context.arguments.string("dropUser");
  const std::lock_guard lock(services.user_mutex);
  const auth::UserPtr user = services.users.find(context.db, name);
  if (!user) user_not_found(context.db, name);
  remove_stored(services.store, {user});
  (void)services.users.remove(user->id());
}

void drop_all_users(Context& context) {
  Services& services = context.services;
  const std::lock_guard lock(services.user_mutex);
  std::vector<auth::UserPtr> users = services.users.all();
  std::erase_if(users, [&](const auth::UserPtr& user) { return user->db != context.db; });
  remove_stored(services.store, users);
  services.users.remove_all(context.db);
  context.reply.append("n", static_cast<std::int32_t>(users.size()));
}

// Whether `selector`, a value of usersInfo, means this user.
bool selects(bson::Value selector, std::string_view db, const auth::User& user) {
  if (selector.is_array()) {
    for (const auto& [key, value] : selector.as_document()) {
      check_type("usersInfo." + std::string(key), value, kString | kObject);
      if (selects(value, db, user)) return true;
    }
    return false;
  }
  if (selector.is_string()) return user.db == db && user.name == selector.as_string();
  if (!selector.is_document()) return user.db == db;
  if (selector.as_document()["forAllDBs"].truthy()) return true;
  const Arguments names("usersInfo", kUserNameFields, selector.as_document());
  return user.db == names.string("db") && user.name == names.string("user");
}

bson::Document describe(const auth::User& user, bool with_credentials) {
  const bson::Document stored = user.encode();
  bson::Builder out;
  for (const auto& [key, value] : stored.view()) {
    if (key != "credentials" || with_credentials) out.append(key, value);
  }
  out.append("mechanisms", bson::make_array("SCRAM-SHA-256"));
  return out.finish();
}

void users_info(Context& context) {
  const bson::Value selector = context.arguments["usersInfo"];
  const Matcher filter = Matcher::compile(context.arguments.document("filter"));
  const bool credentials = context.arguments.flag("showCredentials");
  // Somebody may always look at himself.
  const auto is_self = [&](const auth::User& user) { return user.id() == context.user_id(); };
  const auto users = context.reply.array("users");
  for (const auth::UserPtr& user : context.services.users.all()) {
    if (!selects(selector, context.db, *user)) continue;
    if (!is_self(*user) || credentials) {
      require_rights(context.services, context.client, auth::kUsers, user->db, "usersInfo");
    }
    const bson::Document shown = describe(*user, credentials);
    if (filter.matches(shown)) context.reply.push(shown);
  }
}

constexpr std::array kCommands = {
    // Asks for the right itself: the first user is made by nobody.
    Command{"createUser", kCreateFields, create_user, Access::kPublic},
    Command{"updateUser", kUpdateFields, update_user, Access::kOnDatabase, auth::kUsers},
    Command{"dropUser", kDropFields, drop_user, Access::kOnDatabase, auth::kUsers},
    Command{"dropAllUsersFromDatabase", kDropAllFields, drop_all_users, Access::kOnDatabase,
            auth::kUsers},
    Command{"usersInfo", kInfoFields, users_info, Access::kLoggedIn},
};

}  // namespace

std::span<const Command> user_commands() { return kCommands; }

}  // namespace gesso::localdb
