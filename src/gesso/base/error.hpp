// The one exception type of Gesso, and the violations that a validation error carries.
//
// A missing document is a `std::optional`, an expected refusal is a value; whatever else keeps a
// call from doing what it says is an `Error`. Messages and details never hold a secret.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gesso {

enum class ErrorKind {
  kValidation,   // the caller's input; `violations()` says where
  kDuplicate,    // a unique index refused; `field()` names the field where it is known
  kConflict,     // the document's state does not allow the operation
  kThrottled,    // the server asks to come back later; `retry_after()` where it says when
  kUnavailable,  // no server, or it was lost on the way; the effect is unknown for writes
  kTimeout,      // the deadline passed; the effect is unknown for writes
  kOverloaded,   // refused before anything was tried: our own queue is full
  kAuth,         // credentials refused
  kInternal,     // a bug, or an answer that we do not understand
};

// The stable name of a kind: "validation", "duplicate", ... Used in logs, metrics and responses.
[[nodiscard]] std::string_view to_string(ErrorKind kind) noexcept;

// Where a value stands in a document: member names and array positions.
using PathStep = std::variant<std::string, std::size_t>;
using Path = std::vector<PathStep>;

// "settings.tags.2"; "" for the document itself.
[[nodiscard]] std::string to_string(const Path& path);

// One thing that is wrong with a document. `type` is a stable identifier in the spelling of
// Pydantic 2 ("missing", "string_too_long", "enum", "greater_than_equal", ...), so that a FastAPI
// client sees what it expects.
struct Violation {
  Path path;
  std::string type;
  std::string message;   // for people: "String should have at most 2000 characters"
  std::string expected;  // "string of 1 to 2000 characters"
  std::string found;     // "string of 2001 characters"; never the value of a secret
};

class Error : public std::runtime_error {
 public:
  struct Details {
    bool retryable = false;      // the same call may succeed later without a change
    int server_code = 0;         // the database server's numeric code, 0 if it sent none
    std::string ns = {};         // "database.collection"
    std::string operation = {};  // "find", "insert", ...
    std::string field = {};      // for kDuplicate: the member whose value is taken
    std::optional<std::chrono::milliseconds> retry_after = {};
    std::vector<Violation> violations = {};
  };

 private:
  ErrorKind kind_;
  Details details_;

 public:
  Error(ErrorKind kind, const std::string& message);
  Error(ErrorKind kind, const std::string& message, Details details);

  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool retryable() const noexcept { return details_.retryable; }
  [[nodiscard]] int server_code() const noexcept { return details_.server_code; }
  [[nodiscard]] const std::string& ns() const noexcept { return details_.ns; }
  [[nodiscard]] const std::string& operation() const noexcept { return details_.operation; }
  [[nodiscard]] const std::string& field() const noexcept { return details_.field; }
  [[nodiscard]] std::optional<std::chrono::milliseconds> retry_after() const noexcept {
    return details_.retry_after;
  }
  [[nodiscard]] const std::vector<Violation>& violations() const noexcept {
    return details_.violations;
  }
};

// A kValidation error whose message lists every violation ("email: expected ..., found ...").
[[nodiscard]] Error validation_error(std::vector<Violation> violations);

}  // namespace gesso
