// A described struct for the tests, with a field of every kind.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/schema/codec.hpp"
#include "gesso/schema/email.hpp"
#include "gesso/schema/id.hpp"
#include "gesso/schema/number.hpp"
#include "gesso/schema/password.hpp"
#include "gesso/schema/text.hpp"

namespace gesso::schema::testing {

enum class Colour { kRed, kGreen, kDeepBlue };
constexpr auto wire_texts(Colour) {
  return std::to_array<std::string_view>({"red", "green", "deep-blue"});
}

struct Address {
  Text<1, 20> street;
  Integer<1, 999> number;

  friend bool operator==(const Address&, const Address&) = default;
};
BOOST_DESCRIBE_STRUCT(Address, (), (street, number))

struct Account {
  Id<"acc_"> id;
  Email email;
  Text<2, 5> name;
  Integer<1, 4> level = 1;
  Number<1, 20> scale = 7.5;
  NonNegative credits = 0;
  Colour colour = Colour::kRed;
  bool active = true;
  double ratio = 0;
  std::int64_t delta = 0;
  std::optional<std::string> note = {};
  Clearable<Text<1, 5>> nick = {};
  std::vector<Text<1, 5>> tags = {};
  std::vector<Address> addresses = {};
  std::optional<Address> home = {};
  Object settings = {};
  std::optional<PasswordHash> hash = {};
  std::optional<std::string> lease = {};
  Time created_at;

  friend bool operator==(const Account&, const Account&) = default;

  static constexpr std::string_view kName = "Account";
  static constexpr std::string_view kAbout = "For tests.";
};
GESSO_FIELDS(Account, (id, "Key."), (email, "Login."), (name, ""), (level, "", kHasDefault),
             (scale, "", kHasDefault), (credits, "", kHasDefault), (colour, "", kHasDefault),
             (active, "", kHasDefault), (ratio, "", kHasDefault), (delta, "", kHasDefault),
             (note, ""), (nick, ""), (tags, "", kHasDefault), (addresses, "", kHasDefault),
             (home, ""), (settings, "", kHasDefault), (hash, ""), (lease, "", kInternal),
             (created_at, ""))

// The smallest valid one.
inline Account small_account() {
  return {.id = "acc_1",
          .email = "ann@example.org",
          .name = "Ann",
          .created_at = Time{std::chrono::milliseconds{1'700'000'000'123}}};
}

}  // namespace gesso::schema::testing
