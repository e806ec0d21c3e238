#include "gesso/azure/managed_identity.hpp"

#include <array>
#include <string_view>

#include "gesso/azure/token_reply.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {
namespace {

using namespace std::string_view_literals;
using Fields = std::vector<std::pair<std::string_view, std::string_view>>;

std::string value_of(const Environment& environment, std::string_view name) {
  return environment(name).value_or("");
}

// Whom plain http may go to: sidecars of App Service have addresses of the platform's own network
// (172.16.0.0/12, 100.64.0.0/10), the others are on this machine or its link.
enum class InClear { kLocal, kPrivate };

// Checks what a variable says of where tokens are to be had.
std::string endpoint_of(std::string_view variable, const std::string& text, InClear in_clear) {
  const auto url = client::parse_url(text);
  if (url && (url->scheme == "https" || url->is_local() ||
              (in_clear == InClear::kPrivate && url->is_private()))) {
    return url->origin() + url->path;
  }
  throw Error(ErrorKind::kValidation,
              std::string(variable) + ": expected a URL of https, or of http " +
                  (in_clear == InClear::kLocal ? "on this machine or its link"
                                               : "at a local or private address") +
                  ", found \"" + text + "\"");
}

// What each endpoint calls the three ids.
struct IdParameters {
  std::string_view client_id, object_id, resource_id;
};

void add_id(Fields& fields, const ManagedIdentityId& id, const IdParameters& names) {
  switch (id.kind) {
    case ManagedIdentityId::Kind::kSystemAssigned:
      return;
    case ManagedIdentityId::Kind::kClientId:
      fields.emplace_back(names.client_id, id.value);
      return;
    case ManagedIdentityId::Kind::kObjectId:
      fields.emplace_back(names.object_id, id.value);
      return;
    case ManagedIdentityId::Kind::kResourceId:
      fields.emplace_back(names.resource_id, id.value);
      return;
  }
}

client::HttpRequest get_request(const std::string& endpoint, const Fields& fields) {
  const bool has_query = endpoint.find('?') != std::string::npos;
  return {.url = endpoint + (has_query ? "&" : "?") + client::form_encode(fields),
          .timeout = std::chrono::seconds{10},
          .connect_timeout = std::chrono::seconds{2},
          .direct = true};
}

class AppService final : public Credential {
  std::string endpoint_;
  Secret header_;
  ManagedIdentityOptions options_;
  CredentialIo io_;

 public:
  AppService(std::string endpoint, Secret header, ManagedIdentityOptions options, CredentialIo io)
      : endpoint_(std::move(endpoint)),
        header_(std::move(header)),
        options_(std::move(options)),
        io_(io) {}

  std::variant<AccessToken, NotHere> get(const TokenRequest& request, Asked,
                                         const client::Call& call) override {
    Fields fields{{"api-version", "2019-08-01"}, {"resource", request.resource}};
    add_id(fields, options_.id, {"client_id", "principal_id", "mi_res_id"});
    client::HttpRequest http = get_request(endpoint_, fields);
    http.headers.emplace_back("X-IDENTITY-HEADER", header_.clone());
    const client::HttpResponse response =
        client::send_with_retry(io_.client, http, options_.retry, io_.clock, io_.random, call);
    const std::array<std::string_view, 1> secrets{header_.reveal()};
    return read_token_response(endpoint_, response, io_.clock.now(), secrets);
  }

  std::string name() const override { return "managed identity (App Service)"; }
};

class Arc final : public Credential {
  std::string endpoint_;
  ManagedIdentityOptions options_;
  CredentialIo io_;

  [[nodiscard]] bool confirms(std::string_view body) const {
    const std::string& id = options_.id.value;
    switch (options_.id.kind) {
      case ManagedIdentityId::Kind::kSystemAssigned:
        return true;
      case ManagedIdentityId::Kind::kClientId:
        return reply_names(body, "client_id", id);
      case ManagedIdentityId::Kind::kObjectId:
        return reply_names(body, "object_id", id);
      case ManagedIdentityId::Kind::kResourceId:
        return reply_names(body, "msi_res_id", id) || reply_names(body, "mi_res_id", id);
    }
    return false;
  }

 public:
  Arc(std::string endpoint, ManagedIdentityOptions options, CredentialIo io)
      : endpoint_(std::move(endpoint)), options_(std::move(options)), io_(io) {}

  std::variant<AccessToken, NotHere> get(const TokenRequest& request, Asked,
                                         const client::Call& call) override {
    const auto send = [&](const client::HttpRequest& http) {
      return client::send_with_retry(io_.client, http, options_.retry, io_.clock, io_.random, call);
    };
    Fields fields{{"api-version", "2019-11-01"}, {"resource", request.resource}};
    add_id(fields, options_.id, {"client_id", "object_id", "msi_res_id"});
    client::HttpRequest http = get_request(endpoint_, fields);
    http.headers.emplace_back("Metadata", Secret("true"sv));
    // Whoever can read the agent's folder may have tokens: asked once, it names a file to prove
    // that with.
    const client::HttpResponse challenge = send(http);
    if (challenge.status != 401) {
      const Error error = refusal(endpoint_, challenge);
      throw Error(error.kind(), std::string(error.what()) + " (expected 401 with a challenge)",
                  {.retryable = error.retryable()});
    }
    const std::string path = read_arc_challenge(challenge.header("www-authenticate").value_or(""));
    const Secret key = read_arc_key(path, options_.arc);
    std::string authorization;
    authorization.reserve(6 + key.reveal().size());
    authorization += "Basic ";
    authorization += key.reveal();
    http.headers.emplace_back("Authorization", Secret(std::move(authorization)));
    const std::array<std::string_view, 1> secrets{key.reveal()};
    const client::HttpResponse response = send(http);
    AccessToken token = read_token_response(endpoint_, response, io_.clock.now(), secrets);
    // Agents of before 2026 give the machine's own identity whomever they are asked for; later ones
    // say whose token it is.
    if (!confirms(response.body.reveal())) {
      throw Error(ErrorKind::kAuth, endpoint_ + ": the agent does not confirm that its token is " +
                                        options_.id.value + "'s: is it up to date?");
    }
    return token;
  }

  std::string name() const override { return "managed identity (Azure Arc)"; }
};

class Imds final : public Credential {
  std::string host_;
  ManagedIdentityOptions options_;
  CredentialIo io_;

  // Whether it is the service that answers there, and not what some network has at its address:
  // without its header it refuses (400), unless it cannot answer just now.
  [[nodiscard]] bool answers(client::HttpRequest http, const client::Call& call) {
    http.timeout = http.connect_timeout = options_.imds_probe;
    try {
      const int status = io_.client.send(http, call).status;
      return status == 400 || status == 410 || status == 429 || status >= 500;
    } catch (const Error&) {
      if (call.ended()) throw;
      return false;
    }
  }

 public:
  Imds(std::string host, ManagedIdentityOptions options, CredentialIo io)
      : host_(std::move(host)), options_(std::move(options)), io_(io) {}

  std::variant<AccessToken, NotHere> get(const TokenRequest& request, Asked asked,
                                         const client::Call& call) override {
    Fields fields{{"api-version", "2018-02-01"}, {"resource", request.resource}};
    add_id(fields, options_.id, {"client_id", "object_id", "msi_res_id"});
    const auto make_request = [&] {
      return get_request(host_ + "/metadata/identity/oauth2/token", fields);
    };
    if (asked == Asked::kInChain && !answers(make_request(), call)) {
      return NotHere{"the service did not answer at " + host_ + " within " +
                     std::to_string(options_.imds_probe.count()) + " ms"};
    }
    client::HttpRequest http = make_request();
    http.headers.emplace_back("Metadata", Secret("true"sv));
    const client::HttpResponse response =
        client::send_with_retry(io_.client, http, options_.imds_retry, io_.clock, io_.random, call);
    // A virtual machine without an identity (which a chain learns from any 400), and hosts of
    // containers that answer for the service.
    const std::string words = read_refusal(response.body.reveal());
    if ((response.status == 400 &&
         (asked == Asked::kInChain || words.find("Identity not found") != std::string::npos)) ||
        (response.status == 403 && words.find("unreachable") != std::string::npos)) {
      return NotHere{host_ + ": " + std::to_string(response.status) + " " + words};
    }
    return read_token_response(host_, response, io_.clock.now());
  }

  std::string name() const override { return "managed identity (instance metadata service)"; }
};

}  // namespace

std::unique_ptr<Credential> make_managed_identity(const Environment& environment,
                                                  ManagedIdentityOptions options, CredentialIo io) {
  if (options.id.kind != ManagedIdentityId::Kind::kSystemAssigned && options.id.value.empty()) {
    throw Error(ErrorKind::kValidation, "managed identity: expected an id, found nothing");
  }
  const std::string endpoint = value_of(environment, "IDENTITY_ENDPOINT");
  std::string header = value_of(environment, "IDENTITY_HEADER");
  if (!endpoint.empty() && !header.empty()) {
    return std::make_unique<AppService>(
        endpoint_of("IDENTITY_ENDPOINT", endpoint, InClear::kPrivate), Secret(std::move(header)),
        std::move(options), io);
  }
  if (!endpoint.empty() && !value_of(environment, "IMDS_ENDPOINT").empty()) {
    return std::make_unique<Arc>(endpoint_of("IDENTITY_ENDPOINT", endpoint, InClear::kLocal),
                                 std::move(options), io);
  }
  const std::string host = value_of(environment, "AZURE_POD_IDENTITY_AUTHORITY_HOST");
  std::string origin =
      endpoint_of("AZURE_POD_IDENTITY_AUTHORITY_HOST",
                  host.empty() ? std::string("http://169.254.169.254") : host, InClear::kLocal);
  while (origin.ends_with('/')) origin.pop_back();
  return std::make_unique<Imds>(std::move(origin), std::move(options), io);
}

}  // namespace gesso::azure
