#include "gesso/mongo/errors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "gesso/bson/builder.hpp"
#include "gesso/bson/json.hpp"

namespace gesso::mongo {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

enum class Call { kRead, kWrite };

// What came, and what it must become.
struct Case {
  const char* name;
  Origin origin;
  int code;
  const char* message;
  Call call;
  ErrorKind kind;
  bool retryable;
  Dialect dialect = Dialect::kMongoDb;
};

std::ostream& operator<<(std::ostream& out, const Case& one) { return out << one.name; }

constexpr const char* kThrottled =
    "Error=16500, RetryAfterMs=34, Details='Response status code does not indicate success: "
    "TooManyRequests (429); Substatus: 3200; ActivityId: 0; Reason: ({\"Errors\":[\"Request rate "
    "is large. More Request Units may be needed, so no changes were made.\"]})";

constexpr Dialect kRu = Dialect::kCosmosRu;
constexpr Origin kServer = Origin::kServer;

const Case kCases[] = {
    {"throttled read", kServer, 16500, kThrottled, Call::kRead, ErrorKind::kThrottled, true, kRu},
    {"throttled write", kServer, 16500, kThrottled, Call::kWrite, ErrorKind::kThrottled, true, kRu},
    {"throttled in another code's text", kServer, 2,
     "A write operation resulted in an error. Error=16500, RetryAfterMs=4, Details='Batch write "
     "error.",
     Call::kWrite, ErrorKind::kThrottled, true, kRu},
    {"throttled, old text", kServer, 1, "Message: {\"Errors\":[\"Request rate is large\"]}",
     Call::kRead, ErrorKind::kThrottled, true, kRu},
    {"timeout of a read", kServer, 50, "Request timed out.", Call::kRead, ErrorKind::kTimeout, true,
     kRu},
    {"timeout of a write", kServer, 50, "Request timed out.", Call::kWrite, ErrorKind::kTimeout,
     false, kRu},
    {"timeout 408", kServer, 50,
     "Error=50, Details='Response status code does not indicate success: RequestTimeout (408);",
     Call::kRead, ErrorKind::kTimeout, true, kRu},
    {"timeout, the service did not retry", kServer, 50,
     "Request timed out. Retries due to rate limiting: False.", Call::kRead, ErrorKind::kTimeout,
     true, kRu},
    {"timeout, the service retried for a minute", kServer, 50,
     "Request timed out. Retries due to rate limiting: True.", Call::kRead, ErrorKind::kTimeout,
     false, kRu},
    {"ExceededTimeLimit", kServer, 262, "operation exceeded time limit", Call::kRead,
     ErrorKind::kTimeout, true},
    {"duplicate", kServer, 11000, "E11000 duplicate key error", Call::kWrite, ErrorKind::kDuplicate,
     false},
    {"unauthorized", kServer, 13, "Not Authenticated", Call::kRead, ErrorKind::kAuth, false},
    {"authentication failed", kServer, 18, "Authentication failed.", Call::kRead, ErrorKind::kAuth,
     false},
    {"Atlas' bad auth", kServer, 8000, "bad auth : Authentication failed.", Call::kRead,
     ErrorKind::kAuth, false},
    {"SASL", Origin::kAuthentication, 11, "Failed to authenticate", Call::kRead, ErrorKind::kAuth,
     false},
    {"a unique index that stands", kServer, 13,
     "The unique index cannot be modified. To change the unique index, remove the collection",
     Call::kWrite, ErrorKind::kConflict, false, kRu},
    {"write conflict", kServer, 112, "WriteConflict", Call::kWrite, ErrorKind::kConflict, true},
    {"collection exists", kServer, 48, "Collection already exists", Call::kWrite,
     ErrorKind::kConflict, false},
    {"index options differ", kServer, 85, "Index with name already exists with different options",
     Call::kWrite, ErrorKind::kConflict, false},
    {"not primary, read", kServer, 10107, "not primary", Call::kRead, ErrorKind::kUnavailable,
     true},
    {"not primary, write: nothing was done", kServer, 10107, "not primary", Call::kWrite,
     ErrorKind::kUnavailable, true},
    {"shutting down, write: who knows", kServer, 91, "shutdown in progress", Call::kWrite,
     ErrorKind::kUnavailable, false},
    {"InternalError on RU", kServer, 1, "Internal Server Error", Call::kRead,
     ErrorKind::kUnavailable, true, kRu},
    {"InternalError on RU, write", kServer, 1, "Internal Server Error", Call::kWrite,
     ErrorKind::kUnavailable, false, kRu},
    {"InternalError elsewhere", kServer, 1, "bug", Call::kRead, ErrorKind::kInternal, false},
    {"503 in the text", kServer, 1, "ServiceUnavailable (503)", Call::kRead,
     ErrorKind::kUnavailable, true, Dialect::kDocumentDb},
    {"cursor not found", kServer, 43, "cursor id 7 not found", Call::kRead, ErrorKind::kUnavailable,
     true},
    {"bad value", kServer, 2, "BadValue", Call::kRead, ErrorKind::kInternal, false},
    {"failed to parse", kServer, 9, "FailedToParse", Call::kRead, ErrorKind::kInternal, false},
    {"too large for RU", kServer, 16,
     "Error=16, Details='Response status code does not indicate success: RequestEntityTooLarge "
     "(413)",
     Call::kWrite, ErrorKind::kValidation, false, kRu},
    {"document validation", kServer, 121, "Document failed validation", Call::kWrite,
     ErrorKind::kValidation, false},
    {"shard key not found", kServer, 61, "ShardKeyNotFound", Call::kWrite, ErrorKind::kInternal,
     false, kRu},
    {"immutable field", kServer, 66, "ImmutableField", Call::kWrite, ErrorKind::kInternal, false},
    {"cannot create index", kServer, 67, "CannotCreateIndex", Call::kWrite, ErrorKind::kInternal,
     false, kRu},
    {"command not supported", kServer, 115, "CommandNotSupported", Call::kRead,
     ErrorKind::kInternal, false, kRu},
    {"namespace not found", kServer, 26, "ns not found", Call::kRead, ErrorKind::kInternal, false},
    {"write concern timeout", Origin::kWriteConcern, 64, "waiting for replication timed out",
     Call::kWrite, ErrorKind::kTimeout, false},
    {"write concern, node lost", Origin::kWriteConcern, 91, "shutdown in progress", Call::kWrite,
     ErrorKind::kUnavailable, false},
    {"connection lost, read", Origin::kNetwork, 4, "socket error or timeout", Call::kRead,
     ErrorKind::kUnavailable, true},
    {"connection lost, write", Origin::kNetwork, 4, "socket error or timeout", Call::kWrite,
     ErrorKind::kUnavailable, false},
    {"no server, write: it was not sent", Origin::kNotSent, 13053, "No suitable servers found",
     Call::kWrite, ErrorKind::kUnavailable, true},
    {"the driver refuses", Origin::kDriver, 22, "invalid argument", Call::kRead,
     ErrorKind::kInternal, false},
};

class Errors : public ::testing::TestWithParam<Case> {};

TEST_P(Errors, BecomeTheKindTheyAre) {
  const Case& one = GetParam();
  const Operation operation{.name = "update",
                            .ns = "test.users",
                            .is_write = one.call == Call::kWrite,
                            .dialect = one.dialect};
  const Error error = make_error(one.origin, one.code, one.message, bson::View(), operation);
  EXPECT_EQ(error.kind(), one.kind) << error.what();
  EXPECT_EQ(error.retryable(), one.retryable) << error.what();
  EXPECT_EQ(error.ns(), "test.users");
  EXPECT_EQ(error.operation(), "update");
  const bool from_server = one.origin == kServer || one.origin == Origin::kWriteConcern;
  EXPECT_EQ(error.server_code(), from_server ? one.code : 0);
  EXPECT_THAT(error.what(), HasSubstr("update on test.users"));
}

INSTANTIATE_TEST_SUITE_P(Server, Errors, ::testing::ValuesIn(kCases));

Operation insert() { return {.name = "insert", .ns = "test.users", .is_write = true}; }

TEST(Errors, ThrottlingTellsWhenToComeBackWhereTheServerDid) {
  EXPECT_EQ(make_error(kServer, 16500, kThrottled, bson::View(), insert()).retry_after(), 34ms);
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
