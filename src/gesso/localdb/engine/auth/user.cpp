#include "gesso/localdb/engine/auth/user.hpp"

#include <algorithm>
#include <array>
#include <mutex>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::localdb::auth {
namespace {

struct BuiltIn {
  std::string_view name;
  Rights rights;
  bool admin_only;
  bool everywhere;
};

constexpr Rights kAll = kRead | kWrite | kDdl | kUsers | kMonitor | kCluster;

constexpr std::array kBuiltIn = {
    BuiltIn{"read", kRead, false, false},
    BuiltIn{"readWrite", kRead | kWrite, false, false},
    BuiltIn{"dbAdmin", kDdl, false, false},
    BuiltIn{"dbOwner", kRead | kWrite | kDdl | kUsers, false, false},
    BuiltIn{"userAdmin", kUsers, false, false},
    BuiltIn{"readAnyDatabase", kRead, true, true},
    BuiltIn{"readWriteAnyDatabase", kRead | kWrite, true, true},
    BuiltIn{"dbAdminAnyDatabase", kDdl, true, true},
    BuiltIn{"userAdminAnyDatabase", kUsers, true, true},
    BuiltIn{"clusterMonitor", kMonitor, true, true},
    BuiltIn{"hostManager", kMonitor | kCluster, true, true},
    BuiltIn{"clusterManager", kMonitor | kCluster, true, true},
    BuiltIn{"clusterAdmin", kMonitor | kCluster | kDdl, true, true},
    BuiltIn{"backup", kRead | kMonitor, true, true},
    BuiltIn{"restore", kWrite | kDdl | kUsers, true, true},
    BuiltIn{"root", kAll, true, true},
    BuiltIn{"__system", kAll, true, true},
};

constexpr std::string_view kMechanism = "SCRAM-SHA-256";

std::string_view as_text(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

[[noreturn]] void undecodable(const std::string& path, bson::Value found) {
  throw Error(ErrorKind::kInternal, "admin.system.users: " + path + ": found " +
                                        std::string(bson::type_name(found.type())));
}

bson::Value require(bson::View document, const std::string& path, bson::Type type) {
  const bson::Value value = document.at_path(path);
  if (!value.is(type)) undecodable(path, value);
  return value;
}

std::string decode_bytes(bson::View document, const std::string& path, std::size_t size) {
  const bson::Value value = require(document, path, bson::Type::kString);
  const std::optional<std::string> bytes = base64_decode(value.as_string());
  if (!bytes || bytes->empty() || (size != 0 && bytes->size() != size)) undecodable(path, value);
  return *bytes;
}

}  // namespace

std::optional<Grant> grant_of(const Role& role) {
  const auto found = std::ranges::find(kBuiltIn, role.name, &BuiltIn::name);
  if (found == kBuiltIn.end() || (found->admin_only && role.db != "admin")) return std::nullopt;
  return Grant{.rights = found->rights, .everywhere = found->everywhere};
}

bool User::may(Rights rights, std::string_view database) const {
  return std::ranges::any_of(roles, [&](const Role& role) {
    const std::optional<Grant> grant = grant_of(role);
    return grant && (grant->rights & rights) != 0 && (grant->everywhere || role.db == database);
  });
}

bson::Document User::encode() const {
  bson::Builder out;
  out.append("_id", id());
  out.append("userId", bson::Binary{.subtype = 4, .bytes = uuid});
  out.append("user", name);
  out.append("db", db);
  {
    const auto all = out.document("credentials");
    const auto mechanism = out.document(kMechanism);
    out.append("iterationCount", credentials.iterations);
    out.append("salt", base64_encode(as_text(credentials.salt)));
    out.append("storedKey", base64_encode(as_text(credentials.stored_key)));
    out.append("serverKey", base64_encode(as_text(credentials.server_key)));
  }
  if (has_custom_data) out.append("customData", custom_data);
  {
    const auto list = out.array("roles");
    for (const Role& role : roles) {
      out.push(bson::make_document("role", role.name, "db", role.db));
    }
  }
  return out.finish();
}

User User::decode(bson::View document) {
  User user;
  user.name = require(document, "user", bson::Type::kString).as_string();
  user.db = require(document, "db", bson::Type::kString).as_string();
  const bson::Value uuid = require(document, "userId", bson::Type::kBinary);
  if (uuid.as_binary().bytes.size() != user.uuid.size()) undecodable("userId", uuid);
  std::ranges::copy(uuid.as_binary().bytes, user.uuid.begin());

  const std::string at = "credentials." + std::string(kMechanism) + ".";
  user.credentials.iterations =
      require(document, at + "iterationCount", bson::Type::kInt32).as_int32();
  const std::string salt = decode_bytes(document, at + "salt", 0);
  user.credentials.salt.assign(salt.begin(), salt.end());
  std::ranges::copy(decode_bytes(document, at + "storedKey", Digest().size()),
                    user.credentials.stored_key.begin());
  std::ranges::copy(decode_bytes(document, at + "serverKey", Digest().size()),
                    user.credentials.server_key.begin());

  if (const bson::Value custom = document["customData"]; custom.is_document()) {
    user.custom_data = bson::Document(custom.as_document());
    user.has_custom_data = true;
  }
  for (const auto& [key, value] : require(document, "roles", bson::Type::kArray).as_document()) {
    if (!value.is_document()) undecodable("roles." + std::string(key), value);
    user.roles.push_back(
        {.name = std::string(require(value.as_document(), "role", bson::Type::kString).as_string()),
         .db = std::string(require(value.as_document(), "db", bson::Type::kString).as_string())});
  }
  return user;
}

void UserDirectory::put(User user) {
  auto shared = std::make_shared<const User>(std::move(user));
  const std::unique_lock lock(mutex_);
  users_.insert_or_assign(shared->id(), std::move(shared));
}

bool UserDirectory::remove(std::string_view id) {
  const std::unique_lock lock(mutex_);
  const auto found = users_.find(id);
  if (found == users_.end()) return false;
  users_.erase(found);
  return true;
}

void UserDirectory::remove_all(std::string_view db) {
  const std::unique_lock lock(mutex_);
  std::erase_if(users_, [&](const auto& item) { return item.second->db == db; });
}

UserPtr UserDirectory::find(std::string_view db, std::string_view name) const {
  return find_id(std::string(db) + "." + std::string(name));
}

UserPtr UserDirectory::find_id(std::string_view id) const {
  const std::shared_lock lock(mutex_);
  const auto found = users_.find(id);
  return found == users_.end() ? nullptr : found->second;
}

std::vector<UserPtr> UserDirectory::all() const {
  const std::shared_lock lock(mutex_);
  std::vector<UserPtr> users;
  for (const auto& [id, user] : users_) users.push_back(user);
  return users;
}

bool UserDirectory::empty() const {
  const std::shared_lock lock(mutex_);
  return users_.empty();
}

}  // namespace gesso::localdb::auth
