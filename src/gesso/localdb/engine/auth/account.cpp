#include "gesso/localdb/engine/auth/account.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <utility>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/private_file.hpp"
#include "gesso/base/text.hpp"
#include "gesso/base/uuid.hpp"

namespace gesso::localdb::auth {
namespace {

constexpr std::size_t kKeySize = 64;  // bytes, as Azure's
constexpr std::size_t kSaltSize = 28;
// Fewer than a person's password needs: a key is random, and longer than what it is hashed to.
constexpr int kIterations = 4096;
constexpr std::array<std::string_view, 2> kNames = {"primary", "secondary"};

// "cosmosdb account names: 3 to 44 lower-case letters, digits and hyphens" (Azure Resource
// Manager).
std::string checked_name(std::string name) {
  const bool good = name.size() >= 3 && name.size() <= 44 && std::ranges::all_of(name, [](char c) {
                      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
                    });
  if (good) return name;
  throw Error(ErrorKind::kValidation,
              "the account's name: expected 3 to 44 lower-case letters, digits and hyphens, found "
              "\"" +
                  name + "\"");
}

Secret new_key(Random& random) {
  std::array<std::uint8_t, kKeySize> bytes{};
  random.fill(bytes);
  Secret key(base64_encode(as_text(bytes)));
  bytes.fill(0);
  return key;
}

std::string file_text(const std::array<Secret, 2>& keys) {
  std::string text;
  text.reserve(256);
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    text.append(kNames[i]).append("=").append(keys[i].reveal()).append("\n");
  }
  return text;
}

void write_keys(const std::filesystem::path& file, const std::array<Secret, 2>& keys) {
  const Secret text(file_text(keys));
  replace_file(file, text.reveal());
}

// Reads "primary=KEY" and "secondary=KEY"; std::nullopt where there is no file.
std::optional<Account::Keys> read_keys(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return std::nullopt;
  const Secret text(std::string(std::istreambuf_iterator<char>(in), {}));
  std::array<Secret, 2> keys;
  std::string_view rest = text.reveal();
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (line.starts_with(kNames[i]) && line.substr(kNames[i].size()).starts_with('=')) {
        keys[i] = Secret(line.substr(kNames[i].size() + 1));
      }
    }
  }
  if (keys[0].empty() || keys[1].empty()) {
    throw Error(ErrorKind::kValidation,
                file.string() + ": expected the lines primary=KEY and secondary=KEY, found others");
  }
  return Account::Keys{.primary = std::move(keys[0]), .secondary = std::move(keys[1])};
}

Account::Keys read_or_make_keys(const std::filesystem::path& file, Random& random) {
  if (auto keys = read_keys(file)) return *std::move(keys);
  std::array<Secret, 2> made = {new_key(random), new_key(random)};
  write_keys(file, made);
  return {.primary = std::move(made[0]), .secondary = std::move(made[1])};
}

std::filesystem::path key_file(const std::filesystem::path& folder, const std::string& name) {
  return folder / ("account-" + name + ".keys");
}

}  // namespace

std::optional<AccountKey> account_key(std::string_view name) {
  if (name == kNames[0]) return AccountKey::kPrimary;
  if (name == kNames[1]) return AccountKey::kSecondary;
  return std::nullopt;
}

Account::Account(std::string name, Keys keys, Random& random)
    : Account(checked_name(std::move(name)), {}, std::move(keys), random) {}

Account::Account(std::string name, const std::filesystem::path& folder, Random& random)
    : Account(checked_name(name), key_file(folder, name),
              read_or_make_keys(key_file(folder, checked_name(name)), random), random) {}

Account::Account(std::string name, std::filesystem::path file, Keys keys, Random& random)
    : name_(std::move(name)), file_(std::move(file)), random_(random) {
  std::vector<std::uint8_t> salt(kSaltSize);
  random_.fill(salt);
  state_.users = {make_user(keys.primary.reveal(), salt), make_user(keys.secondary.reveal(), salt)};
  state_.keys = {std::move(keys.primary), std::move(keys.secondary)};
}

UserPtr Account::make_user(std::string_view key, std::vector<std::uint8_t> salt) const {
  User user;
  user.name = name_;
  user.db = "admin";
  user.uuid = random_uuid(random_);
  try {
    user.credentials = derive_credentials(key, std::move(salt), kIterations);
  } catch (const std::runtime_error& error) {  // CommandError: it is no password
    throw Error(ErrorKind::kValidation, "a key of the account " + name_ + ": " + error.what());
  }
  user.roles = {{.name = "root", .db = "admin"}};
  return std::make_shared<const User>(std::move(user));
}

Secret Account::key(AccountKey which) const {
  const std::shared_lock lock(mutex_);
  return state_.keys[static_cast<std::size_t>(which)].clone();
}

Account::Users Account::users() const {
  const std::shared_lock lock(mutex_);
  return state_.users;
}

bool Account::is_current(const UserPtr& user) const {
  const std::shared_lock lock(mutex_);
  return std::ranges::find(state_.users, user) != state_.users.end();
}

void Account::regenerate(AccountKey which) {
  if (file_.empty()) {
    throw Error(ErrorKind::kConflict, "the keys of the account " + name_ +
                                          " were given at the start: change them where they come "
                                          "from");
  }
  const std::lock_guard one_at_a_time(regenerating_);
  const auto at = static_cast<std::size_t>(which);
  Secret key = new_key(random_);
  UserPtr user = make_user(key.reveal(), users()[at]->credentials.salt);
  std::array<Secret, 2> keys = {this->key(AccountKey::kPrimary), this->key(AccountKey::kSecondary)};
  keys[at] = key.clone();
  write_keys(file_, keys);
  const std::unique_lock lock(mutex_);
  state_.keys[at] = std::move(key);
  state_.users[at] = std::move(user);
}

}  // namespace gesso::localdb::auth
