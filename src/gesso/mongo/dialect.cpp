#include "gesso/mongo/dialect.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::mongo {
namespace {

bool ends_with_ignoring_case(std::string_view text, std::string_view suffix) {
  return text.size() >= suffix.size() &&
         equal_ignoring_case(text.substr(text.size() - suffix.size()), suffix);
}

bool any_host_of(std::span<const std::string> hosts, std::string_view suffix) {
  return std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
    return ends_with_ignoring_case(host, suffix);
  });
}

// A replica set, or a router before some.
bool has_oplog(bson::View hello) {
  const bson::Value message = hello["msg"];
  return hello["setName"].is_string() || (message.is_string() && message.as_string() == "isdbgrid");
}

constexpr std::string_view kVcoreSuffix = ".mongocluster.cosmos.azure.com";

}  // namespace

std::string_view to_string(Dialect dialect) noexcept { return traits_of(dialect).name; }

std::optional<Dialect> parse_dialect(std::string_view name) noexcept {
  for (const Dialect dialect : kDialects) {
    if (traits_of(dialect).name == name) return dialect;
  }
  return std::nullopt;
}

std::optional<AccountCapabilities> parse_capabilities(std::span<const std::string_view> names) {
  struct Known {
    std::string_view name;
    bool AccountCapabilities::*member;  // null: it changes nothing for us
  };
  constexpr Known kKnown[] = {
      {"EnableMongo", nullptr},
      {"EnableServerless", nullptr},
      {"DisableRateLimitingResponses", nullptr},
      {"EnableMongoRoleBasedAccessControl", nullptr},
      {"EnableUniqueCompoundNestedDocs", nullptr},
      {"mongoEnableDocLevelTTL", nullptr},
      {"EnableMongoRetryableWrites", &AccountCapabilities::retryable_writes},
      {"EnableTtlOnCustomPath", &AccountCapabilities::ttl_on_custom_path},
      {"EnablePartialUniqueIndex", &AccountCapabilities::partial_unique},
      {"EnableMongo16MBDocumentSupport", &AccountCapabilities::documents_of_16_mb},
      {"EnableUniqueIndexReIndex", &AccountCapabilities::unique_reindex},
  };
  AccountCapabilities capabilities;
  for (const std::string_view name : names) {
    const auto* const known = std::ranges::find_if(
        kKnown, [&](const Known& one) { return equal_ignoring_case(one.name, name); });
    if (known == std::end(kKnown)) return std::nullopt;
    if (known->member != nullptr) capabilities.*(known->member) = true;
  }
  return capabilities;
}

bool is_cosmos_host(std::string_view host) noexcept {
  return ends_with_ignoring_case(host, ".cosmos.azure.com") ||
         ends_with_ignoring_case(host, ".documents.azure.com");
}

Dialect detect_dialect(std::span<const std::string> hosts, bson::View hello) {
  const bson::Value set_name = hello["setName"];
  if (set_name.is_string() && set_name.as_string() == "globaldb") return Dialect::kCosmosRu;
  if (hello.at_path("internal.documentdb_versions") || any_host_of(hosts, kVcoreSuffix)) {
    return Dialect::kDocumentDb;
  }
  if (std::any_of(hosts.begin(), hosts.end(), is_cosmos_host)) return Dialect::kCosmosRu;
  return hello["localdb"] ? Dialect::kLocalDb : Dialect::kMongoDb;
}

bool can_retry_writes(bson::View hello) noexcept {
  return hello["logicalSessionTimeoutMinutes"].is_number() && has_oplog(hello);
}

bool has_change_streams(const DialectTraits& traits, bson::View hello) noexcept {
  switch (traits.change_streams) {
    case ChangeStreams::kNone:
      return false;
    case ChangeStreams::kAnyForm:
      return has_oplog(hello);
    case ChangeStreams::kOneForm:
      return true;
  }
  return false;
}

std::size_t max_document_size(const DialectTraits& traits, bson::View hello) noexcept {
  if (traits.document_limit != 0) return traits.document_limit;
  constexpr std::size_t kStandard = std::size_t{16} << 20;
  const auto said = hello["maxBsonObjectSize"].integer();
  return said && *said > 0 ? static_cast<std::size_t>(*said) : kStandard;
}

}  // namespace gesso::mongo
