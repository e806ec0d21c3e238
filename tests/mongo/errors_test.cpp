#include "gesso/mongo/errors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

// What came, from where, and what it must become: data/errors.json, with the source of each.
struct Case {
  std::string name;
  Origin origin;
  int code;
  std::string text;
  bool is_write;
  Dialect dialect;
  std::string kind;
  bool retryable;
  std::optional<std::int64_t> retry_after;
};

std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

Origin origin_of(std::string_view name) {
  constexpr std::pair<std::string_view, Origin> kOrigins[] = {
      {"server", Origin::kServer},   {"write_concern", Origin::kWriteConcern},
      {"network", Origin::kNetwork}, {"not_sent", Origin::kNotSent},
      {"driver", Origin::kDriver},   {"authentication", Origin::kAuthentication},
  };
  for (const auto& [text, origin] : kOrigins) {
    if (text == name) return origin;
  }
  throw std::invalid_argument("no origin " + std::string(name));
}

std::vector<Case> cases() {
  std::ifstream file(GESSO_SOURCE_DIR "/tests/mongo/data/errors.json");
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  const bson::Document document = bson::from_json("{\"cases\":" + text + "}");
  std::vector<Case> all;
  for (const bson::Element& element : document["cases"].as_document()) {
    const bson::View one = element.value.as_document();
    const auto said = [&](std::string_view field) { return std::string(one[field].as_string()); };
    if (said("source").empty()) throw std::invalid_argument(said("name") + " has no source");
    all.push_back({.name = said("name"),
                   .origin = origin_of(said("origin")),
                   .code = static_cast<int>(one["code"].integer().value()),
                   .text = said("text"),
                   .is_write = said("call") == "write",
                   .dialect = parse_dialect(said("dialect")).value(),
                   .kind = said("kind"),
                   .retryable = one["retryable"].as_bool(),
                   .retry_after = one["retry_after_ms"].integer()});
  }
  return all;
}

constexpr Origin kServer = Origin::kServer;

class Errors : public ::testing::TestWithParam<Case> {};

TEST_P(Errors, BecomeTheKindTheyAre) {
  const Case& one = GetParam();
  const Operation operation{
      .name = "update", .ns = "test.users", .is_write = one.is_write, .dialect = one.dialect};
  const Error error = make_error(one.origin, one.code, one.text, bson::View(), operation);
  EXPECT_EQ(to_string(error.kind()), one.kind) << error.what();
  EXPECT_EQ(error.retryable(), one.retryable) << error.what();
  EXPECT_EQ(error.ns(), "test.users");
  EXPECT_EQ(error.operation(), "update");
  const bool from_server = one.origin == kServer || one.origin == Origin::kWriteConcern;
  EXPECT_EQ(error.server_code(), from_server ? one.code : 0);
  EXPECT_THAT(error.what(), HasSubstr("update on test.users"));
  const std::optional<std::chrono::milliseconds> after =
      one.retry_after ? std::optional(std::chrono::milliseconds{*one.retry_after}) : std::nullopt;
  EXPECT_EQ(error.retry_after(), after);
  if (one.origin == kServer) {
    EXPECT_EQ(is_throttled(one.code, one.text), one.kind == "throttled");
  }
}

INSTANTIATE_TEST_SUITE_P(Server, Errors, ::testing::ValuesIn(cases()));

// As command and as an entry of `writeErrors`, it is the same thing.
TEST_P(Errors, OfAnItemAreThoseOfACommand) {
  const Case& one = GetParam();
  if (one.origin != kServer) return;
  const bson::Document entry =
      bson::make_document("index", 3, "code", one.code, "errmsg", one.text);
  const Operation operation{
      .name = "insert", .ns = "test.users", .is_write = true, .dialect = one.dialect};
  const Error whole = make_error(kServer, one.code, one.text, bson::View(), operation);
  const Error item = to_error(entry, operation);
  EXPECT_EQ(item.kind(), whole.kind());
  EXPECT_EQ(item.retryable(), whole.retryable());
  EXPECT_EQ(is_throttled(entry), one.kind == "throttled");
}

Operation insert() { return {.name = "insert", .ns = "test.users", .is_write = true}; }

TEST(Errors, ThrottlingTellsWhenToComeBackWhereTheServerDid) {
  EXPECT_EQ(
      make_error(kServer, 16500, "Error=16500, RetryAfterMs=34, Details=", bson::View(), insert())
          .retry_after(),
      34ms);
  EXPECT_EQ(
      make_error(kServer, 16500, "Request rate is large", bson::View(), insert()).retry_after(),
      std::nullopt);
  EXPECT_EQ(make_error(kServer, 16500, "RetryAfterMs=soon", bson::View(), insert()).retry_after(),
            std::nullopt);
}

TEST(Errors, ALostConnectionPastTheDeadlineIsATimeout) {
  Operation late = insert();
  late.deadline_passed = true;
  const Error error = make_error(Origin::kNetwork, 4, "timeout", bson::View(), late);
  EXPECT_EQ(error.kind(), ErrorKind::kTimeout);
  EXPECT_THAT(error.what(), HasSubstr("whether it took effect is unknown"));
}

struct Duplicate {
  const char* message;
  const char* details;
  const char* field;
};

TEST(Errors, ADuplicateNamesItsFieldWhereTheServerSaysIt) {
  const Duplicate cases[] = {
      {"E11000 duplicate key error collection: test.users index: email_1 dup key: { email: "
       "\"a@b.c\" }",
       R"({"keyPattern": {"email": 1}})", "email"},
      {"E11000", R"({"keyPattern": {"user_id": 1, "day": -1}})", "user_id,day"},
      {"E11000 duplicate key error collection: test.users index: email_1 dup key: { : \"a@b.c\" }",
       "{}", "email"},
      {"E11000 duplicate key error index: test.users.$email_1 dup key: { : \"a@b.c\" }", "{}",
       "email"},
      {"E11000 duplicate key error collection: test.users index: user_id_1_created_at_-1 dup key",
       "{}", "user_id,created_at"},
      {"E11000 duplicate key error collection: t.c index: unique_email dup key: { email: \"x\" }",
       "{}", "email"},
      {"E11000 duplicate key error collection: test.users index: _id_ dup key: { _id: 1 }", "{}",
       "_id"},
      // Azure Cosmos DB does not say.
      {"E11000 duplicate key error collection: test.users. Failed _id or unique index constraint.",
       "{}", ""},
  };
  for (const Duplicate& one : cases) {
    const Error error =
        make_error(kServer, 11000, one.message, bson::from_json(one.details), insert());
    EXPECT_EQ(error.kind(), ErrorKind::kDuplicate);
    EXPECT_EQ(error.field(), one.field) << one.message;
    EXPECT_THAT(error.what(), Not(HasSubstr("a@b.c")));
  }
}

TEST(Errors, TheReaderIsToldWhatToDo) {
  EXPECT_THAT(
      make_error(kServer, 2, "Retryable writes are not supported. Please disable retryable writes",
                 bson::View(), insert())
          .what(),
      HasSubstr("set retryWrites=false"));
  EXPECT_THAT(make_error(kServer, 2,
                         "The index path corresponding to the specified order-by item is excluded.",
                         bson::View(), insert())
                  .what(),
              HasSubstr("the sort needs an index"));
}

TEST(Errors, LongTextsAreCut) {
  const std::string text(10'000, 'x');
  EXPECT_LT(std::string_view(make_error(kServer, 2, text, bson::View(), insert()).what()).size(),
            800u);
}

TEST(Errors, OnlyWhatMayHelpIsRepeated) {
  EXPECT_TRUE(is_retryable_read(Origin::kNetwork, 4));
  EXPECT_TRUE(is_retryable_read(kServer, 10107));
  EXPECT_FALSE(is_retryable_read(kServer, 50));
  EXPECT_FALSE(is_retryable_read(kServer, 2));
  EXPECT_FALSE(is_retryable_read(Origin::kAuthentication, 18));
  EXPECT_TRUE(is_retryable_write(Origin::kNetwork, 4, bson::View()));
  EXPECT_FALSE(is_retryable_write(kServer, 112, bson::View()));
  EXPECT_TRUE(is_retryable_write(
      kServer, 112, bson::make_document("errorLabels", bson::make_array("RetryableWriteError"))));
}

}  // namespace
}  // namespace gesso::mongo
