#include "gesso/azure/blob_store.hpp"

#include <algorithm>
#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <sstream>

#include "gesso/base/base64.hpp"
#include "gesso/base/crypto.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {

using boost::property_tree::ptree;
using client::HttpRequest;
using client::HttpResponse;
using images::Blob;
using images::PutOutcome;
using images::StoredBlob;

namespace {

constexpr std::string_view kGivingAKey = "giving a key for links";
constexpr std::string_view kRole = "AuthorizationPermissionMismatch";
constexpr std::chrono::minutes kClockSkew{15};
constexpr std::chrono::seconds kShortestKey = std::chrono::hours{24};

// "2026-11-26T20:00:00Z"
std::string to_seconds(Time time) { return to_iso8601(time).substr(0, 19) + "Z"; }

// std::nullopt where it is no XML.
std::optional<ptree> read_xml(const HttpResponse& reply) {
  std::string_view text = reply.body.reveal();
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::istringstream stream{std::string(text)};
  ptree tree;
  try {
    boost::property_tree::read_xml(stream, tree);
  } catch (const boost::property_tree::xml_parser_error&) {
    return std::nullopt;
  }
  return tree;
}

std::string error_code(const HttpResponse& reply) {
  if (const auto code = reply.header("x-ms-error-code")) return std::string(*code);
  const auto tree = read_xml(reply);
  return tree ? tree->get("Error.Code", "") : "";
}

void require_name(std::string_view name) {
  if (images::is_blob_name(name)) return;
  throw Error(ErrorKind::kValidation,
              "expected a blob's name, found \"" + std::string(name) + "\"");
}

// A container's name: 3 to 63 of lower case letters, digits and single hyphens.
bool is_container(std::string_view text) {
  return text.size() >= 3 && text.size() <= 63 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
         });
}

}  // namespace

std::optional<ContainerUrl> read_container_url(std::string_view text) {
  const auto url = client::parse_url(text);
  if (!url || url->scheme != "https") return std::nullopt;
  std::string path = url->path;
  while (path.ends_with('/')) path.pop_back();
  if (path.empty() || path.find_first_of("?%") != std::string::npos) return std::nullopt;
  const std::size_t slash = path.find('/', 1);
  ContainerUrl read{.text = url->origin() + path, .origin = url->origin(), .path = path};
  if (slash == std::string::npos) {
    read.account = url->host.substr(0, url->host.find('.'));
    read.container = path.substr(1);
  } else {
    read.account = path.substr(1, slash - 1);
    read.container = path.substr(slash + 1);
  }
  if (read.account.empty() || !is_container(read.container)) return std::nullopt;
  return read;
}

std::string delegation_sas(const ContainerUrl& container, std::string_view blob,
                           const DelegationKey& key, Time start, Time expiry) {
  const std::string from = to_seconds(start);
  const std::string until = to_seconds(expiry);
  const std::string version(kStorageVersion);
  const std::string name =
      "/blob/" + container.account + "/" + container.container + "/" + std::string(blob);
  // In this order, an empty line for each that is not used: the authorised and the agent's object
  // id and the correlation id; the addresses; snapshot and encryption scope; five response headers.
  const std::string lines[] = {"r",
                               from,
                               until,
                               name,
                               key.object_id,
                               key.tenant_id,
                               key.start,
                               key.expiry,
                               key.service,
                               key.version,
                               "",
                               "",
                               "",
                               "",
                               "https",
                               version,
                               "b",
                               "",
                               "",
                               "",
                               "",
                               "",
                               "",
                               ""};
  std::string to_sign;
  for (const std::string& line : lines) to_sign += line + "\n";
  to_sign.pop_back();
  const auto secret = base64_decode(key.value.reveal());
  const Digest digest = hmac_sha256(secret.value_or(""), to_sign);
  const std::string signature = base64_encode(as_text(digest));
  return client::form_encode({{"sv", version},
                              {"sr", "b"},
                              {"st", from},
                              {"se", until},
                              {"sp", "r"},
                              {"spr", "https"},
                              {"skoid", key.object_id},
                              {"sktid", key.tenant_id},
                              {"skt", key.start},
                              {"ske", key.expiry},
                              {"sks", key.service},
                              {"skv", key.version},
                              {"sig", signature}});
}

AzureBlobStore::AzureBlobStore(BlobStoreOptions options, client::HttpClient& client,
                               TokenProvider& tokens, const Clock& clock, Random& random)
    : options_(std::move(options)),
      client_(client),
      tokens_(tokens),
      clock_(clock),
      random_(random),
      keys_([this](const client::Call& call) { return fetch_key(call); }, clock) {
  auto container = read_container_url(options_.container_url);
  if (!container) {
    throw Error(ErrorKind::kValidation,
                "image_container_url: expected https://ACCOUNT.blob.core.windows.net/CONTAINER, "
                "found \"" +
                    options_.container_url + "\"");
  }
  container_ = *std::move(container);
}

std::string AzureBlobStore::path_of(std::string_view name) const {
  return container_.path + "/" + std::string(name);  // whose characters all stand for themselves
}

HttpResponse AzureBlobStore::send(const HttpRequest& request, const client::Call& call) {
  HttpResponse reply =
      client::send_with_retry(client_, request, options_.retry, clock_, random_, call);
  for (int attempt = 1;
       attempt < options_.forbidden_attempts && reply.status == 403 && error_code(reply) == kRole &&
       options_.forbidden_wait < call.deadline.remaining();
       ++attempt) {
    client::wait(options_.forbidden_wait, call, "waiting for a role on " + container_.account);
    reply = client::send_with_retry(client_, request, options_.retry, clock_, random_, call);
  }
  return reply;
}

HttpResponse AzureBlobStore::ask(const std::string& method, const std::string& path,
                                 const Headers& headers, std::string_view body,
                                 const client::Call& call) {
  HttpResponse reply;
  for (const bool fresh : {false, true}) {
    const AccessToken token = tokens_.token(
        {.resource = std::string(kStorageResource), .tenant = options_.tenant, .fresh = fresh},
        call);
    HttpRequest request{
        .method = method, .url = container_.origin + path, .timeout = options_.timeout};
    std::string bearer;
    bearer.reserve(7 + token.value.reveal().size());
    bearer.append("Bearer ").append(token.value.reveal());
    request.headers.emplace_back("Authorization", Secret(std::move(bearer)));
    request.headers.emplace_back("x-ms-version", Secret(kStorageVersion));
    for (const auto& [name, value] : headers) request.headers.emplace_back(name, Secret(value));
    request.body = Secret(body);
    reply = send(request, call);
    if (reply.status != 401) return reply;
  }
  return reply;
}

Error AzureBlobStore::failure(const HttpResponse& reply, std::string_view doing) const {
  const std::string code = error_code(reply);
  std::string message = "the storage account " + container_.account + " answers " +
                        std::to_string(reply.status) + (code.empty() ? "" : " " + code) + " to " +
                        std::string(doing);
  if (reply.status == 401 || reply.status == 403) {
    const bool for_links = doing == kGivingAKey;
    message += std::string(": check that this identity has the role Storage Blob ") +
               (for_links ? "Delegator on the account" : "Data Contributor there") +
               ", the account's firewall, and this machine's clock";
    return {ErrorKind::kAuth, message, {.retryable = code == kRole}};
  }
  const bool may_pass = reply.status == 408 || reply.status == 429 || reply.status >= 500;
  if (code == "CannotVerifyCopySource" || reply.status == 404) {
    return {ErrorKind::kConflict, message, {.retryable = may_pass}};
  }
  return {ErrorKind::kUnavailable, message, {.retryable = may_pass}};
}

PutOutcome AzureBlobStore::written(const HttpResponse& reply, std::string_view doing) const {
  if (reply.status == 201 || reply.status == 202) return PutOutcome::kCreated;
  const std::string code = error_code(reply);
  if ((reply.status == 409 && code == "BlobAlreadyExists") ||
      (reply.status == 412 && (code == "ConditionNotMet" || code == "TargetConditionNotMet"))) {
    return PutOutcome::kThere;
  }
  throw failure(reply, doing);
}

void AzureBlobStore::make_container(const client::Call& call) {
  const auto reply = ask("PUT", container_.path + "?restype=container", {}, "", call);
  if (reply.status == 201) return;
  if (reply.status == 409 && error_code(reply) == "ContainerAlreadyExists") return;
  throw failure(reply, "making the container " + container_.container);
}

PutOutcome AzureBlobStore::put(std::string_view name, const Blob& blob, const client::Call& call) {
  require_name(name);
  return written(ask("PUT", path_of(name),
                     {{"x-ms-blob-type", "BlockBlob"},
                      {"Content-Type", blob.type},
                      {"x-ms-blob-content-type", blob.type},
                      {"x-ms-blob-cache-control", "private, max-age=31536000, immutable"},
                      {"If-None-Match", "*"}},
                     blob.bytes, call),
                 "writing an image");
}

PutOutcome AzureBlobStore::copy(std::string_view name, const std::string& url,
                                const client::Call& call) {
  require_name(name);
  return written(ask("PUT", path_of(name),
                     {{"x-ms-blob-type", "BlockBlob"},
                      {"x-ms-copy-source", url},
                      {"x-ms-blob-cache-control", "private, max-age=31536000, immutable"},
                      {"If-None-Match", "*"}},
                     "", call),
                 "fetching an image");
}

std::optional<Blob> AzureBlobStore::get(std::string_view name, const client::Call& call) {
  require_name(name);
  const auto reply = ask("GET", path_of(name), {}, "", call);
  if (reply.status == 404) return std::nullopt;
  if (reply.status != 200) throw failure(reply, "reading an image");
  return Blob{.bytes = std::string(reply.body.reveal()),
              .type = std::string(reply.header("content-type").value_or(""))};
}

void AzureBlobStore::remove(std::string_view name, const client::Call& call) {
  require_name(name);
  const auto reply = ask("DELETE", path_of(name), {}, "", call);
  if (reply.status != 202 && reply.status != 404) throw failure(reply, "removing an image");
}

std::vector<StoredBlob> AzureBlobStore::list(std::string_view prefix, std::string_view after,
                                             std::size_t limit, const client::Call& call) {
  // The service goes on behind a marker of its own alone; the one of the last page is kept, since
  // who goes through a list asks for one page after the other.
  std::string marker;
  {
    const std::lock_guard lock(mutex_);
    if (!after.empty() && page_.first == after) marker = page_.second;
  }
  std::vector<StoredBlob> found;
  while (true) {
    const std::string size = std::to_string(std::clamp<std::size_t>(limit, 1, 5000));
    std::string query = client::form_encode({{"restype", "container"},
                                             {"comp", "list"},
                                             {"prefix", prefix},
                                             {"maxresults", size},
                                             {"marker", marker}});
    const auto reply = ask("GET", container_.path + "?" + query, {}, "", call);
    if (reply.status != 200) throw failure(reply, "listing images");
    const auto tree = read_xml(reply);
    if (!tree) throw Error(ErrorKind::kInternal, "the storage account's list cannot be read");
    if (const auto blobs = tree->get_child_optional("EnumerationResults.Blobs")) {
      for (const auto& [tag, blob] : *blobs) {
        if (tag != "Blob") continue;
        StoredBlob one{.name = blob.get("Name", ""), .written_at = {}};
        if (one.name <= after) continue;
        const auto at = client::read_http_date(blob.get("Properties.Last-Modified", ""));
        one.written_at = at.value_or(clock_.now());  // of unknown age: left alone
        one.size = blob.get<std::uint64_t>("Properties.Content-Length", 0);
        found.push_back(std::move(one));
      }
    }
    marker = tree->get("EnumerationResults.NextMarker", "");
    if (marker.empty() || found.size() >= limit) break;
  }
  const std::lock_guard lock(mutex_);
  page_ = found.empty() || marker.empty() ? std::pair<std::string, std::string>()
                                          : std::pair(found.back().name, marker);
  return found;
}

std::string AzureBlobStore::address(std::string_view name) const {
  return container_.text + "/" + std::string(name);
}

std::optional<std::string> AzureBlobStore::name_at(std::string_view address) const {
  if (!address.starts_with(container_.text + "/")) return std::nullopt;
  address.remove_prefix(container_.text.size() + 1);
  if (!images::is_blob_name(address)) return std::nullopt;
  return std::string(address);
}

// One is renewed when half of it is over: what is left is more than a link's time and a quarter.
std::chrono::seconds AzureBlobStore::key_lifetime() const {
  return std::max(kShortestKey, 3 * options_.link_lifetime);
}

DelegationKey AzureBlobStore::fetch_key(const client::Call& call) {
  const Time now = clock_.now();
  const std::string body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><KeyInfo><Start>" +
                           to_seconds(now - kClockSkew) + "</Start><Expiry>" +
                           to_seconds(now + key_lifetime()) + "</Expiry></KeyInfo>";
  const std::string root =
      container_.path.substr(0, container_.path.size() - container_.container.size());
  const auto reply = ask("POST", root + "?restype=service&comp=userdelegationkey",
                         {{"Content-Type", "application/xml"}}, body, call);
  if (reply.status != 200) throw failure(reply, kGivingAKey);
  const auto tree = read_xml(reply);
  const auto read = [&](const char* name) {
    return tree ? tree->get("UserDelegationKey." + std::string(name), "") : std::string();
  };
  DelegationKey key{.object_id = read("SignedOid"),
                    .tenant_id = read("SignedTid"),
                    .start = read("SignedStart"),
                    .expiry = read("SignedExpiry"),
                    .service = read("SignedService"),
                    .version = read("SignedVersion"),
                    .value = Secret(read("Value"))};
  const auto begins = parse_iso8601(key.start);
  const auto ends = parse_iso8601(key.expiry);
  if (key.value.empty() || !base64_decode(key.value.reveal()) || !begins || !ends) {
    throw Error(ErrorKind::kInternal, "the storage account's key for links cannot be read");
  }
  key.begins = *begins;
  key.ends = *ends;
  return key;
}

void AzureBlobStore::prepare_links(const client::Call& call) { keys_.begin(call); }

std::string AzureBlobStore::link(std::string_view name, Time now) {
  const auto key = keys_.current();
  if (!key || now >= key->ends) return address(name);
  const auto step = std::max(std::chrono::seconds{1}, options_.link_lifetime / 4);
  const Time from = now - now.time_since_epoch() % step;
  const Time start = std::max(key->begins, from - kClockSkew);
  const Time end = std::min(key->ends, from + step + options_.link_lifetime);
  return address(name) + "?" + delegation_sas(container_, name, *key, start, end);
}

}  // namespace gesso::azure
