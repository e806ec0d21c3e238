#include "gesso/localdb/language/command_error.hpp"

#include <algorithm>
#include <array>

#include "gesso/bson/json.hpp"

namespace gesso::localdb {
namespace {

struct Entry {
  int code;
  std::string_view name;
};

constexpr std::array kNames = {
    Entry{1, "InternalError"},
    Entry{2, "BadValue"},
    Entry{5, "GraphContainsCycle"},
    Entry{9, "FailedToParse"},
    Entry{11, "UserNotFound"},
    Entry{13, "Unauthorized"},
    Entry{14, "TypeMismatch"},
    Entry{15, "Overflow"},
    Entry{16, "InvalidLength"},
    Entry{17, "ProtocolError"},
    Entry{18, "AuthenticationFailed"},
    Entry{20, "IllegalOperation"},
    Entry{26, "NamespaceNotFound"},
    Entry{27, "IndexNotFound"},
    Entry{28, "PathNotViable"},
    Entry{40, "ConflictingUpdateOperators"},
    Entry{43, "CursorNotFound"},
    Entry{48, "NamespaceExists"},
    Entry{50, "MaxTimeMSExpired"},
    Entry{52, "DollarPrefixedFieldName"},
    Entry{53, "InvalidIdField"},
    Entry{54, "NotSingleValueField"},
    Entry{56, "EmptyFieldName"},
    Entry{57, "DottedFieldName"},
    Entry{59, "CommandNotFound"},
    Entry{66, "ImmutableField"},
    Entry{67, "CannotCreateIndex"},
    Entry{72, "InvalidOptions"},
    Entry{73, "InvalidNamespace"},
    Entry{76, "NoReplicationEnabled"},
    Entry{85, "IndexOptionsConflict"},
    Entry{86, "IndexKeySpecsConflict"},
    Entry{96, "OperationFailed"},
    Entry{112, "WriteConflict"},
    Entry{115, "CommandNotSupported"},
    Entry{168, "InvalidPipelineOperator"},
    Entry{171, "CannotIndexParallelArrays"},
    Entry{175, "QueryPlanKilled"},
    Entry{181, "AmbiguousIndexKeyPattern"},
    Entry{237, "CursorKilled"},
    Entry{241, "ConversionFailure"},
    Entry{276, "IndexBuildAborted"},
    Entry{279, "ClientDisconnect"},
    Entry{290, "InvalidCatalogEntry"},
    Entry{292, "QueryExceededMemoryLimitNoDiskUseAllowed"},
    Entry{391, "ReauthenticationRequired"},
    Entry{10334, "BSONObjectTooLarge"},
    Entry{11000, "DuplicateKey"},
    Entry{11600, "InterruptedAtShutdown"},
    Entry{11601, "Interrupted"},
    Entry{14031, "OutOfDiskSpace"},
};

constexpr std::size_t kValueBytes = 1024;
constexpr std::size_t kMessageBytes = 8192;

}  // namespace

std::string value_text(bson::Value value) { return bson::to_short_json(value, kValueBytes); }

std::string value_text(bson::View document) {
  return value_text(bson::Value(bson::Type::kDocument, document.data()));
}

std::string bounded_message(const std::string& message) {
  if (message.size() <= kMessageBytes) return message;
  std::size_t end = kMessageBytes;
  while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0U) == 0x80) --end;
  return message.substr(0, end) + "...";
}

std::string code_name(int code) {
  const auto* found =
      std::ranges::find_if(kNames, [code](const Entry& entry) { return entry.code == code; });
  if (found != kNames.end()) return std::string(found->name);
  return "Location" + std::to_string(code);
}

}  // namespace gesso::localdb
