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

constexpr std::string_view kVcoreSuffix = ".mongocluster.cosmos.azure.com";
constexpr std::size_t kMebibyte = std::size_t{1} << 20;

}  // namespace

std::string_view to_string(Dialect dialect) noexcept {
  switch (dialect) {
    case Dialect::kMongoDb:
      return "mongodb";
    case Dialect::kLocalDb:
      return "localdb";
    case Dialect::kCosmosRu:
      return "cosmos-ru";
    case Dialect::kDocumentDb:
      return "documentdb";
  }
  return "mongodb";
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

bool ttl_on_any_date(Dialect dialect) noexcept { return dialect != Dialect::kCosmosRu; }

bool has_partial_indexes(Dialect dialect) noexcept { return dialect != Dialect::kCosmosRu; }

bool serves_prefixes(Dialect dialect) noexcept { return dialect != Dialect::kCosmosRu; }

bool count_command_is_exact(Dialect dialect) noexcept { return dialect != Dialect::kMongoDb; }

bool internal_error_is_transient(Dialect dialect) noexcept { return dialect == Dialect::kCosmosRu; }

bool can_retry_writes(bson::View hello) noexcept {
  const bson::Value message = hello["msg"];
  return hello["logicalSessionTimeoutMinutes"].is_number() &&
         (hello["setName"].is_string() ||
          (message.is_string() && message.as_string() == "isdbgrid"));
}

std::size_t max_document_size(Dialect dialect, bson::View hello) noexcept {
  if (dialect == Dialect::kCosmosRu) return 2 * kMebibyte;  // whatever its hello says
  const auto said = hello["maxBsonObjectSize"].integer();
  return said && *said > 0 ? static_cast<std::size_t>(*said) : 16 * kMebibyte;
}

}  // namespace gesso::mongo
