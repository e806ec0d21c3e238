#include "gesso/azure/key_vault.hpp"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "gesso/azure/challenge.hpp"
#include "gesso/azure/token_claims.hpp"
#include "gesso/azure/vault_reply.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {
namespace {

constexpr std::string_view kApiVersion = "?api-version=7.4";
constexpr int kMaxPages = 1000;  // far more than a secret has

// What comes from outside goes into a message short and printable.
std::string shown(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 100)) out += c > 0x20 && c < 0x7f && c != '\'' ? c : '?';
  return out + (text.size() > 100 ? "...'" : "'");
}

// What of the challenge does not fit the vault; empty when all does.
std::string mismatch(const BearerChallenge& challenge, const VaultUrl& vault,
                     const KeyVaultOptions& options, const std::string& tenant) {
  if (!challenge.resource.empty()) {
    const std::optional<client::Url> resource = client::parse_url(challenge.resource);
    const bool good = resource && resource->scheme == "https" && resource->host == vault.suffix &&
                      resource->port == 443 && (resource->path.empty() || resource->path == "/");
    if (!good) {
      return "its challenge asks for a token for another resource: expected '" + vault.resource +
             "', found " + shown(challenge.resource);
    }
  }
  if (challenge.authority.empty()) return {};
  const std::optional<client::Url> authority = client::parse_url(challenge.authority);
  const auto names = [&](const std::vector<std::string>& hosts) {
    return authority && std::any_of(hosts.begin(), hosts.end(), [&](const std::string& host) {
             return lower(host) == authority->host;
           });
  };
  if (!authority || authority->scheme != "https" || authority->port != 443 ||
      !(names(vault.authorities) || names(options.more_authorities))) {
    return "its challenge names another authority: expected '" + vault.authorities.front() +
           "' or a host that is allowed by a setting, found " + shown(challenge.authority);
  }
  const std::string found =
      lower(authority->path.substr(std::min<std::size_t>(1, authority->path.size())));
  const std::string found_tenant = found.substr(0, found.find_first_of("/?"));
  if (!tenant.empty() && !found_tenant.empty() && found_tenant != lower(tenant)) {
    return "its challenge names another tenant: the identity is of " + shown(tenant) +
           ", the vault of " + shown(found_tenant) +
           ". Check the vault's name; where it is right, name its tenant in the settings";
  }
  return {};
}

}  // namespace

KeyVault::KeyVault(KeyVaultOptions options, client::HttpClient& client, TokenProvider& tokens,
                   const Clock& clock, Random& random)
    : options_(std::move(options)),
      url_(check_vault_url(options_.url, options_.more_suffixes)),
      client_(client),
      tokens_(tokens),
      clock_(clock),
      random_(random) {}

client::HttpResponse KeyVault::send(const client::HttpRequest& request, const client::Call& call) {
  client::HttpResponse response =
      client::send_with_retry(client_, request, options_.retry, clock_, random_, call);
  if (response.status == 403 && options_.forbidden_attempts > 0 &&
      may_be_a_fresh_role(read_vault_error(response.body))) {
    client::RetryFsm::Options retry = options_.retry;
    retry.attempts = options_.forbidden_attempts;
    retry.wait_min = options_.forbidden_wait;
    retry.forbidden = true;
    if (options_.forbidden_wait >= call.deadline.remaining()) return response;
    wait(options_.forbidden_wait, call, "waiting for a role on the key vault " + url_.host);
    response = client::send_with_retry(client_, request, retry, clock_, random_, call);
  }
  return response;
}

client::HttpResponse KeyVault::ask(const std::string& url, const client::Call& call) {
  const std::string refusal = "the key vault " + url_.host + " refuses the token";
  std::string error;
  for (const bool fresh : {false, true}) {
    const AccessToken token =
        tokens_.token({.resource = url_.resource, .tenant = options_.tenant, .fresh = fresh}, call);
    client::HttpRequest request{.url = url, .timeout = options_.timeout};
    std::string bearer;
    bearer.reserve(7 + token.value.reveal().size());  // no copy is left behind by growing
    bearer.append("Bearer ").append(token.value.reveal());
    request.headers.emplace_back("Authorization", Secret(std::move(bearer)));
    request.headers.emplace_back("Accept", Secret(std::string_view("application/json")));
    client::HttpResponse response = send(request, call);
    if (response.status != 401) return response;

    const std::optional<BearerChallenge> challenge = bearer_challenge(response);
    if (!challenge) continue;
    const std::string tenant =
        options_.tenant.empty() ? token_tenant(token.value) : options_.tenant;
    const std::string why = mismatch(*challenge, url_, options_, tenant);
    if (!why.empty()) throw Error(ErrorKind::kAuth, refusal + ", and " + why);
    error = challenge->error.empty() ? "" : " (" + shown(challenge->error) + ")";
  }
  throw Error(ErrorKind::kAuth,
              refusal + ", a fresh one too" + error +
                  ": check that the vault is of the identity's tenant, and this machine's clock");
}

void KeyVault::refuse_missing(std::string_view name, std::string_view version,
                              const client::Call& call) {
  const std::string secret = "the secret '" + std::string(name) + "'";
  const std::string place = " in the key vault " + url_.host;
  if (!version.empty()) {
    throw Error(ErrorKind::kValidation,
                "there is no version " + std::string(version) + " of " + secret + place);
  }
  std::optional<DeletedSecret> deleted;
  try {
    const client::HttpResponse response =
        ask(url_.text + "/deletedsecrets/" + std::string(name) + std::string(kApiVersion), call);
    if (response.status == 200) deleted = read_deleted_secret(response.body);
  } catch (const Error&) {
    check(call, "asking the key vault");  // else: it would only have made the message better
  }
  if (deleted) {
    std::string message = secret + place + " was deleted";
    if (deleted->deleted) message += " at " + to_iso8601(*deleted->deleted);
    message += ": recover it (az keyvault secret recover)";
    if (deleted->purged) message += ", possible until " + to_iso8601(*deleted->purged);
    throw Error(ErrorKind::kValidation, message);
  }
  throw Error(ErrorKind::kValidation,
              "there is no " + secret.substr(4) + place +
                  ": create it, or correct its name in the settings; where it was deleted, it can "
                  "be recovered");
}

SecretValue KeyVault::get(std::string_view name, std::string_view version,
                          const client::Call& call) {
  check_secret_name(name);
  std::string url = url_.text + "/secrets/" + std::string(name);
  if (!version.empty()) {
    check_secret_version(version);
    url += "/" + std::string(version);
  }
  const client::HttpResponse response = ask(url + std::string(kApiVersion), call);
  if (response.status == 404) refuse_missing(name, version, call);
  if (response.status != 200) throw vault_failure(response, url_.host, name, clock_.now());

  SecretValue secret = read_secret(response.body);
  const std::string subject = "version " + secret.about.version + " of the secret '" +
                              std::string(name) + "' in the key vault " + url_.host;
  const auto refuse = [&](const std::string& why) {
    throw Error(ErrorKind::kValidation, subject + why);
  };
  if (!version.empty() && lower(version) != lower(secret.about.version)) {
    throw Error(ErrorKind::kInternal,
                "the key vault's reply makes no sense: expected another version than asked for");
  }
  if (!secret.about.enabled) refuse(" is disabled: enable it, or add a new version");
  const Time now = clock_.now();
  if (secret.about.not_before && now < *secret.about.not_before) {
    refuse(" is not valid before " + to_iso8601(*secret.about.not_before) +
           ": wait, or change its activation date (the time here is " + to_iso8601(now) + ")");
  }
  if (secret.about.expires && now >= *secret.about.expires) {
    refuse(" expired at " + to_iso8601(*secret.about.expires) +
           ": add a new version, or change its expiration date");
  }
  return secret;
}

std::vector<SecretVersion> KeyVault::versions(std::string_view name, const client::Call& call) {
  check_secret_name(name);
  std::vector<SecretVersion> out;
  std::string url =
      url_.text + "/secrets/" + std::string(name) + "/versions" + std::string(kApiVersion);
  for (int pages = 0; !url.empty(); ++pages) {
    if (pages == kMaxPages) {
      throw Error(ErrorKind::kInternal, "the key vault's list of versions has no end");
    }
    const client::HttpResponse response = ask(url, call);
    if (response.status == 404) refuse_missing(name, "", call);
    if (response.status != 200) throw vault_failure(response, url_.host, name, clock_.now());
    VersionPage page = read_version_page(response.body);
    std::move(page.versions.begin(), page.versions.end(), std::back_inserter(out));
    if (page.next.empty()) break;
    const std::optional<client::Url> next = client::parse_url(page.next);
    if (!next || next->scheme != "https" || next->host != url_.host || next->port != 443) {
      throw Error(ErrorKind::kInternal,
                  "the next page of the secret's versions is refused: expected a URL of https://" +
                      url_.host + ", found " + shown(page.next.substr(0, page.next.find('?'))));
    }
    url = url_.text + next->path;
  }
  // For a secret that is not there the list may be empty instead of a 404.
  if (out.empty()) refuse_missing(name, "", call);
  std::stable_sort(out.begin(), out.end(),
                   [](const SecretVersion& left, const SecretVersion& right) {
                     return left.created > right.created;
                   });
  return out;
}

}  // namespace gesso::azure
