#include "gesso/localdb/cosmos/dialect.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/base/uuid.hpp"
#include "gesso/localdb/cosmos/codes.hpp"
#include "gesso/localdb/cosmos/commands.hpp"
#include "gesso/localdb/cosmos/container.hpp"
#include "gesso/localdb/cosmos/links.hpp"
#include "gesso/localdb/cosmos/tables.hpp"
#include "gesso/localdb/cosmos/texts.hpp"
#include "gesso/localdb/engine/context.hpp"

namespace gesso::localdb::cosmos {
namespace {

// What hello and buildInfo say of a server version. 3.6 and 4.0 are as accounts were seen to
// answer, 4.2 as drivers with a floor of 8 work with it, the others are MongoDB's own numbers.
struct Version {
  std::string_view name;
  std::array<int, 3> parts;
  int wire;
};
constexpr std::array kVersions = {
    Version{"3.6", {3, 6, 0}, 6},  Version{"4.0", {4, 0, 0}, 7},  Version{"4.2", {4, 2, 0}, 8},
    Version{"5.0", {5, 0, 0}, 13}, Version{"6.0", {6, 0, 0}, 17}, Version{"7.0", {7, 0, 0}, 21},
};

const Version& version_of(const CosmosOptions& options) {
  const auto* const found =
      std::ranges::find(kVersions, std::string_view(options.server_version), &Version::name);
  if (found == kVersions.end()) {
    throw Error(ErrorKind::kValidation,
                "Cosmos DB's server versions are 3.6, 4.0, 4.2, 5.0, 6.0 "
                "and 7.0, not \"" +
                    options.server_version + "\"");
  }
  return *found;
}

constexpr std::array<std::string_view, 8> kCapabilities = {
    "DisableRateLimitingResponses",   "EnableMongoRoleBasedAccessControl",
    "EnableMongoRetryableWrites",     "EnableMongo16MBDocumentSupport",
    "EnableUniqueCompoundNestedDocs", "EnableTtlOnCustomPath",
    "EnablePartialUniqueIndex",       "EnableUniqueIndexReIndex"};

void check_capabilities(const CosmosOptions& options) {
  for (const std::string& name : options.capabilities) {
    if (std::ranges::find(kCapabilities, name) == kCapabilities.end()) {
      throw Error(ErrorKind::kValidation, "an account has no capability \"" + name + "\"");
    }
    const bool needs_no_backup =
        name == "EnableTtlOnCustomPath" || name == "EnableUniqueIndexReIndex";
    if (options.continuous_backup && needs_no_backup) {
      throw Error(ErrorKind::kValidation,
                  "an account with continuous backup cannot have the capability " + name);
    }
  }
}

}  // namespace

CosmosDialect::CosmosDialect(CosmosOptions options, const Clock& clock, Random& random)
    : options_(std::move(options)),
      clock_(clock),
      random_(random),
      throughput_(options_.burst),
      host_(options_.host) {
  (void)version_of(options_);
  check_capabilities(options_);
}

std::size_t CosmosDialect::max_document_bytes() const {
  return (can("EnableMongo16MBDocumentSupport") ? std::size_t{16} : std::size_t{2}) << 20;
}

Stamp CosmosDialect::next_stamp() const {
  const auto now = std::chrono::microseconds(clock_.now().time_since_epoch()).count();
  Stamp last = last_stamp_.load();
  Stamp next = 0;
  do {
    next = std::max<Stamp>(now, last + 1);
  } while (!last_stamp_.compare_exchange_weak(last, next));
  return next;
}

void CosmosDialect::listens_at(std::string host) {
  const std::lock_guard lock(mutex_);
  if (options_.host.empty()) host_ = std::move(host);
}

Presentation CosmosDialect::presentation() const {
  const Version& version = version_of(options_);
  return {.version = version.parts,
          .max_wire_version = version.wire,
          .max_message_bytes = 4'194'304,
          .max_write_batch = 1000,
          .says_localdb = false};
}

void CosmosDialect::append_hello(bson::Builder& reply) const {
  const std::lock_guard lock(mutex_);
  if (host_.empty()) return;  // within the process there is nowhere to connect to
  reply.append("setName", "globaldb");
  reply.append("setVersion", 1);
  reply.append("hosts", bson::make_array(host_));
  reply.append("primary", host_);
  reply.append("me", host_);
  reply.append("tags", bson::make_document("region", options_.region));
}

void CosmosDialect::check_command(std::string_view name, const Client& client) const {
  if (name == "hello" && !options_.hello && !client.user) {
    throw CommandError(ErrorCode::kCommandNotSupported,
                       "Command Hello not supported prior to authentication");
  }
  if (kind_of_command(name) != CommandKind::kNone) return;
  throw CommandError(ErrorCode::kCommandNotSupported,
                     "Command " + std::string(name) + " not supported.");
}

std::span<const Command> CosmosDialect::commands() const { return cosmos_commands(); }

std::span<const Link* const> CosmosDialect::chain() const {
  static const RefuseUnsupported kRefuseUnsupported;
  static const KeepAccount kKeepAccount;
  static const RememberWrites kRememberWrites;
  static const std::array<const Link*, 7> kLinks = {&authorise(),
                                                    &run_as_operation(),
                                                    &kRefuseUnsupported,
                                                    &kRememberWrites,
                                                    &kKeepAccount,
                                                    &obey_fail_point(),
                                                    &run()};
  return kLinks;
}

CommandError CosmosDialect::refusal_of(const StorageError& error) const {
  if (error.fault() != StorageFault::kDuplicateKey) return Dialect::refusal_of(error);
  // Without the index, and without what collided.
  const std::string text = error.what();
  return {ErrorCode::kDuplicateKey,
          text.substr(0, text.find(" index: ")) + ". Failed _id or unique index constraint."};
}

std::optional<bson::Document> CosmosDialect::error_reply(const CommandError& error) const {
  if (dynamic_cast<const ExtensionError*>(&error) != nullptr) {
    return bson::make_document("ok", 0.0, "code", error.code(), "errMsg", error.what());
  }
  const std::string_view name = own_name(error.code());
  if (name.empty()) return std::nullopt;
  return bson::make_document("ok", 0.0, "errmsg", error.what(), "code", error.code(), "codeName",
                             name);
}

bool CosmosDialect::is_hidden(const Collection& collection) const {
  return collection.name == kDatabaseSettings;
}

// What stands in them is Cosmos DB's own business.
bson::Document CosmosDialect::shown_options(const Collection& /*collection*/) const { return {}; }

const CosmosDialect& dialect_of(const Context& context) {
  return static_cast<const CosmosDialect&>(context.services.dialect);
}

CommandError backend_error(const CosmosDialect& dialect, int code, std::string_view http,
                           std::string_view error) {
  const std::string activity_id = to_string(random_uuid(dialect.random()));
  return {code, backend_text({.code = code,
                              .http = http,
                              .activity_id = activity_id,
                              .error = error,
                              .pretty = dialect.options().throttle_text == ThrottleText::kPretty})};
}

}  // namespace gesso::localdb::cosmos
