// The engine's one exception: a refusal with the numeric code that MongoDB clients know.
//
// Codes and names: https://www.mongodb.com/docs/manual/reference/error-codes/ and engine.md. Add a
// name to the table where a new code is used.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "gesso/bson/view.hpp"

namespace gesso::localdb {

enum class ErrorCode : int {
  kInternalError = 1,
  kBadValue = 2,
  kGraphContainsCycle = 5,
  kFailedToParse = 9,
  kUserNotFound = 11,
  kUnauthorized = 13,
  kTypeMismatch = 14,
  kOverflow = 15,
  kInvalidLength = 16,
  kProtocolError = 17,
  kAuthenticationFailed = 18,
  kIllegalOperation = 20,
  kNamespaceNotFound = 26,
  kIndexNotFound = 27,
  kPathNotViable = 28,
  kConflictingUpdateOperators = 40,
  kCursorNotFound = 43,
  kNamespaceExists = 48,
  kMaxTimeMsExpired = 50,
  kDollarPrefixedFieldName = 52,
  kInvalidIdField = 53,
  kNotSingleValueField = 54,
  kEmptyFieldName = 56,
  kDottedFieldName = 57,
  kCommandNotFound = 59,
  kImmutableField = 66,
  kCannotCreateIndex = 67,
  kInvalidOptions = 72,
  kInvalidNamespace = 73,
  kIndexOptionsConflict = 85,
  kIndexKeySpecsConflict = 86,
  kOperationFailed = 96,
  kWriteConflict = 112,
  kCommandNotSupported = 115,
  kCannotIndexParallelArrays = 171,
  kQueryPlanKilled = 175,
  kCursorKilled = 237,
  kIndexBuildAborted = 276,
  kClientDisconnect = 279,
  kInvalidCatalogEntry = 290,
  kQueryExceededMemoryLimit = 292,
  kReauthenticationRequired = 391,
  kDocumentTooLarge = 10334,
  kDuplicateKey = 11000,
  kInterruptedAtShutdown = 11600,
  kInterrupted = 11601,
  kOutOfDiskSpace = 14031,
  kUnknownField = 40415,
  kUserAlreadyExists = 51003,
};

// "BadValue", "DuplicateKey", ...; "Location40415" for a code that has only a number.
[[nodiscard]] std::string code_name(int code);

// Whether the code says that a command was made to end, rather than that it is wrong.
[[nodiscard]] constexpr bool is_interruption(int code) {
  for (const ErrorCode known :
       {ErrorCode::kMaxTimeMsExpired, ErrorCode::kCursorKilled, ErrorCode::kClientDisconnect,
        ErrorCode::kInterruptedAtShutdown, ErrorCode::kInterrupted}) {
    if (code == static_cast<int>(known)) return true;
  }
  return false;
}

// A value as a message quotes it: its beginning, where it is long.
[[nodiscard]] std::string value_text(bson::Value value);
[[nodiscard]] std::string value_text(bson::View document);

// `message`, or its beginning: some quote a name or a text that a client may make 16 MB long.
[[nodiscard]] std::string bounded_message(const std::string& message);

class CommandError : public std::runtime_error {
  int code_;
  bson::Document details_;

 public:
  CommandError(ErrorCode code, const std::string& message)
      : CommandError(static_cast<int>(code), message) {}
  CommandError(int code, const std::string& message, bson::Document details = {})
      : std::runtime_error(bounded_message(message)), code_(code), details_(std::move(details)) {}

  [[nodiscard]] int code() const noexcept { return code_; }
  // Members that go into the reply beside the message: keyPattern and keyValue of a duplicate.
  [[nodiscard]] bson::View details() const noexcept { return details_; }
};

}  // namespace gesso::localdb
