#include "gesso/domain/password_policy.hpp"

#include <string>
#include <unordered_set>

#include "gesso/base/text.hpp"

namespace gesso::domain {
namespace {

// One text, blanks between; see tools/common_passwords.py.
constexpr std::string_view kCommon =
#include "gesso/domain/common_passwords.inc"
    ;

const std::unordered_set<std::string_view>& common_passwords() {
  static const auto words = [] {
    std::unordered_set<std::string_view> set;
    std::string_view rest = kCommon;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      if (end > 0) set.insert(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    return set;
  }();
  return words;
}

Violation refused(std::string message) {
  return {.path = {},
          .type = "value_error",
          .message = "Value error, " + std::move(message),
          .expected = "password that is hard to guess",
          .found = "string"};
}

}  // namespace

std::optional<Violation> check_password(const schema::Password& password,
                                        const schema::Email& email) {
  std::string text = lower(password.reveal());
  const std::string_view address = email;
  const bool common = common_passwords().contains(text);
  const bool own = text == address || text == address.substr(0, address.find('@'));
  wipe(text);
  if (common) return refused("this is one of the passwords that are guessed first");
  if (own) return refused("the password must not be the email address");
  return std::nullopt;
}

void require_good_password(const schema::Password& password, const schema::Email& email,
                           std::string_view field) {
  auto violation = check_password(password, email);
  if (!violation) return;
  violation->path = {std::string(field)};
  throw validation_error({std::move(*violation)});
}

}  // namespace gesso::domain
