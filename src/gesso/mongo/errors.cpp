#include "gesso/mongo/errors.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>

namespace gesso::mongo {
namespace {

using std::chrono::milliseconds;

template <std::size_t N>
bool contains(const std::array<int, N>& codes, int code) {
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

constexpr int kInterruptedAtShutdown = 11600;
constexpr std::array kRetryableReadCodes{
    6, 7, 89, 91, 134, 189, 262, 9001, 10107, kInterruptedAtShutdown, 11602, 13435, 13436};
constexpr std::array kRetryableWriteCodes = kRetryableReadCodes;

// The names of an index's fields out of "email_1" or "user_id_1_created_at_-1", if it has the
// default name.
std::string fields_of_index_name(std::string_view name) {
  std::string fields;
  while (!name.empty()) {
    // The shortest head that ends in a direction: "_1" or "_-1", at the end or before "_".
    std::size_t at = 0;
    std::size_t length = 0;
    for (at = 1; at < name.size(); ++at) {
      const std::string_view rest = name.substr(at);
      length = rest.starts_with("_1") ? 2 : rest.starts_with("_-1") ? 3 : 0;
      if (length != 0 && (rest.size() == length || rest[length] == '_')) break;
      length = 0;
    }
    if (length == 0) return {};
    if (!fields.empty()) fields += ',';
    fields += name.substr(0, at);
    name.remove_prefix(std::min(name.size(), at + length + 1));
  }
  return fields;
}

// Between `label` and the next blank; after the last '.' and '$' of "db.users.$email_1".
std::string_view index_name_of(std::string_view message) {
  constexpr std::string_view kLabel = "index: ";
  const std::size_t at = message.find(kLabel);
  if (at == std::string_view::npos) return {};
  std::string_view name = message.substr(at + kLabel.size());
  name = name.substr(0, name.find(' '));
  const std::size_t dollar = name.rfind(".$");
  return dollar == std::string_view::npos ? name : name.substr(dollar + 2);
}

// "email" out of "dup key: { email: "a@b.c" }"; values are not looked at, so only the first name
// is safe to take.
std::string_view first_key_of(std::string_view message) {
  constexpr std::string_view kLabel = "dup key: { ";
  const std::size_t at = message.find(kLabel);
  if (at == std::string_view::npos) return {};
  const std::string_view name = message.substr(at + kLabel.size());
  const std::size_t colon = name.find(':');
  return colon == std::string_view::npos || colon == 0 ? std::string_view{} : name.substr(0, colon);
}

std::string duplicate_field(std::string_view message, bson::View details) {
  const bson::Value pattern = details["keyPattern"];
  if (pattern.is_document()) {
    std::string fields;
    for (const bson::Element& element : pattern.as_document()) {
      if (!fields.empty()) fields += ',';
      fields += element.key;
    }
    return fields;
  }
  const std::string_view index = index_name_of(message);
  if (index == "_id_") return "_id";
  if (std::string fields = fields_of_index_name(index); !fields.empty()) return fields;
  return std::string(first_key_of(message));
}

struct Classification {
  ErrorKind kind;
  bool retryable;
};

// Whether the same call may be made again.
enum class Again {
  kNever,
  kRead,    // a read; of a write nobody knows what was done
  kAlways,  // nothing was done
};

// A way to fail: by its code (0: any), a part of its text (empty: any), or both.
struct Rule {
  int code;
  std::string_view text;
  ErrorKind kind;
  Again again;
  bool only_where_internal_errors_pass = false;
};

using enum ErrorKind;

// The first that fits decides. Texts stand before codes: Cosmos DB sends one code for many things,
// and one thing under many. tests/mongo/data/errors.json has the servers' words for each, with
// where they were seen.
constexpr Rule kRules[] = {
    {kThrottledCode, "", kThrottled, Again::kAlways},
    {0, "Error=16500", kThrottled, Again::kAlways},
    {0, "Request rate is large", kThrottled, Again::kAlways},
    {0, "high rate of metadata requests", kThrottled, Again::kAlways},
    // DuplicateKey, and its two older forms.
    {11000, "", kDuplicate, Again::kNever},
    {11001, "", kDuplicate, Again::kNever},
    {12582, "", kDuplicate, Again::kNever},
    // Under 13 and under 2, by the account's age.
    {0, "unique index cannot be modified", kConflict, Again::kNever},
    {0, "Cannot create unique index when collection contains documents", kConflict, Again::kNever},
    // UserNotFound, Unauthorized, AuthenticationFailed, RoleNotFound, ReauthenticationRequired,
    // AtlasError.
    {11, "", kAuth, Again::kNever},
    {13, "", kAuth, Again::kNever},
    {18, "", kAuth, Again::kNever},
    {31, "", kAuth, Again::kNever},
    {391, "", kAuth, Again::kNever},
    {8000, "", kAuth, Again::kNever},
    // With server-side retry the service has been trying for 60 s already.
    {50, "Retries due to rate limiting: True", kTimeout, Again::kNever},
    // LockTimeout, ExceededTimeLimit (Cosmos DB) or MaxTimeMSExpired, WriteConcernFailed,
    // NetworkInterfaceExceededTimeLimit, ExceededTimeLimit, and one more of its kind.
    {24, "", kTimeout, Again::kRead},
    {50, "", kTimeout, Again::kRead},
    {64, "", kTimeout, Again::kRead},
    {202, "", kTimeout, Again::kRead},
    {262, "", kTimeout, Again::kRead},
    {290, "", kTimeout, Again::kRead},
    // The server is not the primary one, and said so before it did anything.
    {10058, "", kUnavailable, Again::kAlways},
    {10107, "", kUnavailable, Again::kAlways},
    {13435, "", kUnavailable, Again::kAlways},
    {13436, "", kUnavailable, Again::kAlways},
    // It stepped down, shuts down or cannot be reached from the router.
    {6, "", kUnavailable, Again::kRead},
    {7, "", kUnavailable, Again::kRead},
    {63, "", kUnavailable, Again::kRead},
    {89, "", kUnavailable, Again::kRead},
    {91, "", kUnavailable, Again::kRead},
    {133, "", kUnavailable, Again::kRead},
    {134, "", kUnavailable, Again::kRead},
    {189, "", kUnavailable, Again::kRead},
    {9001, "", kUnavailable, Again::kRead},
    {11600, "", kUnavailable, Again::kRead},
    {11602, "", kUnavailable, Again::kRead},
    {0, "ServiceUnavailable (503)", kUnavailable, Again::kRead},
    {1, "", kUnavailable, Again::kRead, /*only_where_internal_errors_pass=*/true},
    // CursorNotFound: the query starts anew.
    {43, "", kUnavailable, Again::kAlways},
    // WriteConflict.
    {112, "", kConflict, Again::kAlways},
    // NamespaceExists, IndexAlreadyExists, IndexOptionsConflict, IndexKeySpecsConflict.
    {48, "", kConflict, Again::kNever},
    {68, "", kConflict, Again::kNever},
    {85, "", kConflict, Again::kNever},
    {86, "", kConflict, Again::kNever},
    // Too large, for Cosmos DB (16) and the others; DocumentValidationFailure.
    {16, "", kValidation, Again::kNever},
    {10334, "", kValidation, Again::kNever},
    {17419, "", kValidation, Again::kNever},
    {17420, "", kValidation, Again::kNever},
    {121, "", kValidation, Again::kNever},
    {0, "RequestEntityTooLarge (413)", kValidation, Again::kNever},
};

Classification classify_server(int code, std::string_view message, const Operation& operation) {
  for (const Rule& rule : kRules) {
    if ((rule.code != 0 && rule.code != code) || !contains(message, rule.text)) continue;
    if (rule.only_where_internal_errors_pass &&
        !traits_of(operation.dialect).internal_error_is_transient) {
      continue;
    }
    return {rule.kind,
            rule.again == Again::kAlways || (rule.again == Again::kRead && !operation.is_write)};
  }
  return {kInternal, false};
}

Classification classify(Origin origin, int code, std::string_view message,
                        const Operation& operation) {
  const bool read = !operation.is_write;
  switch (origin) {
    case Origin::kServer:
      return classify_server(code, message, operation);
    case Origin::kWriteConcern: {
      const Classification failure = classify_server(code, message, operation);
      const bool timeout = failure.kind == ErrorKind::kTimeout;
      return {timeout ? ErrorKind::kTimeout : ErrorKind::kUnavailable, false};
    }
    case Origin::kNetwork:
      return {operation.deadline_passed ? ErrorKind::kTimeout : ErrorKind::kUnavailable, read};
    case Origin::kNotSent:
      return {operation.deadline_passed ? ErrorKind::kTimeout : ErrorKind::kUnavailable, true};
    case Origin::kAuthentication:
      return {ErrorKind::kAuth, false};
    case Origin::kDriver:
      return {contains(message, "too large") ? ErrorKind::kValidation : ErrorKind::kInternal,
              false};
  }
  return {ErrorKind::kInternal, false};
}

// What the reader should know beyond the server's words.
std::string_view hint(std::string_view message) {
  if (contains(message, "Retryable writes are not supported")) {
    return "; set retryWrites=false in the connection string";
  }
  if (contains(message, "order-by item is excluded") || contains(message, "composite index")) {
    return "; the sort needs an index of exactly its fields: run init-db";
  }
  return {};
}

}  // namespace

Error make_error(Origin origin, int code, std::string_view message, bson::View details,
                 const Operation& operation) {
  Classification failure = classify(origin, code, message, operation);
  if (operation.fate_unknown) failure.retryable = false;
  Error::Details out;
  out.retryable = failure.retryable;
  out.server_code = origin == Origin::kServer || origin == Origin::kWriteConcern ? code : 0;
  out.ns = operation.ns;
  out.operation = operation.name;

  std::string text = std::string(operation.name) + " on " + operation.ns;
  if (failure.kind == ErrorKind::kDuplicate) {
    out.field = duplicate_field(message, details);
    // The server's text holds the value, which may be somebody's address.
    text += out.field.empty() ? " refused: a unique value is taken"
                              : " refused: the value of " + out.field + " is taken";
  } else {
    constexpr std::size_t kLongest = 600;
    text += " failed: " + std::string(message.substr(0, kLongest));
    text += hint(message);
  }
  if (failure.kind == ErrorKind::kThrottled) out.retry_after = retry_after(message);
  if (operation.fate_unknown ||
      (operation.is_write && !failure.retryable &&
       (failure.kind == ErrorKind::kUnavailable || failure.kind == ErrorKind::kTimeout))) {
    text += "; whether it took effect is unknown";
  }
  if (out.server_code != 0) text += " (code " + std::to_string(out.server_code) + ")";
  return Error(failure.kind, text, std::move(out));
}

std::string_view message_of(bson::View write_error) {
  const bson::Value message = write_error["errmsg"];
  return message.is_string() ? message.as_string() : std::string_view();
}

Error to_error(bson::View write_error, const Operation& operation) {
  const std::string_view message = message_of(write_error);
  return make_error(Origin::kServer, static_cast<int>(write_error["code"].integer().value_or(0)),
                    message.empty() ? "no reason given" : message, write_error, operation);
}

bool is_retryable_read(Origin origin, int code) noexcept {
  return origin == Origin::kNetwork ||
         (origin == Origin::kServer && contains(kRetryableReadCodes, code));
}

bool is_retryable_write(Origin origin, int code, bson::View reply) noexcept {
  const bson::Value labels = reply["errorLabels"];
  if (labels.is_array()) {
    for (const bson::Element& label : labels.as_document()) {
      if (label.value.is_string() && label.value.as_string() == "RetryableWriteError") return true;
    }
  }
  return origin == Origin::kNetwork ||
         (origin == Origin::kServer && contains(kRetryableWriteCodes, code));
}

bool is_throttled(int code, std::string_view message) noexcept {
  return classify_server(code, message, {}).kind == ErrorKind::kThrottled;
}

bool is_throttled(bson::View write_error) noexcept {
  return is_throttled(static_cast<int>(write_error["code"].integer().value_or(0)),
                      message_of(write_error));
}

std::optional<milliseconds> retry_after(std::string_view message) {
  constexpr std::string_view kLabel = "RetryAfterMs=";
  const std::size_t at = message.find(kLabel);
  if (at == std::string_view::npos) return std::nullopt;
  const char* begin = message.data() + at + kLabel.size();
  long value = 0;
  if (std::from_chars(begin, message.data() + message.size(), value).ec != std::errc{} ||
      value < 0) {
    return std::nullopt;
  }
  return milliseconds{value};
}

bool refuses_credentials(Origin origin, int code, std::string_view message) noexcept {
  if (origin == Origin::kAuthentication) return true;
  if (origin != Origin::kServer || classify_server(code, message, {}).kind != ErrorKind::kAuth) {
    return false;
  }
  constexpr int kUnauthorized = 13;
  constexpr int kAuthenticationFailed = 18;
  constexpr int kReauthenticationRequired = 391;
  return code == kUnauthorized || code == kAuthenticationFailed ||
         code == kReauthenticationRequired;
}

}  // namespace gesso::mongo
