#include "gesso/azure/entra.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

#include "gesso/azure/client_certificate.hpp"
#include "gesso/azure/secret_file.hpp"
#include "gesso/azure/token_reply.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kMaxFile = std::size_t{64} << 10;

std::string value_of(const Environment& environment, std::string_view name) {
  return environment(name).value_or("");
}

bool same_tenant(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

// What both credentials do once they have something to prove with.
class EntraCredential : public Credential {
 protected:
  EntraApplication application_;
  std::string not_here_;  // why, where it is not set up
  client::RetryFsm::Options retry_;
  CredentialIo io_;

  EntraCredential(const Environment& environment, std::string not_here,
                  client::RetryFsm::Options retry, CredentialIo io)
      : not_here_(std::move(not_here)), retry_(retry), io_(io) {
    if (not_here_.empty()) application_ = EntraApplication::from(environment);
  }

  [[nodiscard]] virtual EntraProof prove(const TokenRequest& request) = 0;

 public:
  std::variant<AccessToken, NotHere> get(const TokenRequest& request, Asked,
                                         const client::Call& call) override {
    if (!not_here_.empty()) return NotHere{not_here_};
    const EntraProof proof = prove(request);
    const client::HttpResponse response =
        client::send_with_retry(io_.client, entra_request(application_, request, proof), retry_,
                                io_.clock, io_.random, call);
    const std::array<std::string_view, 1> secrets{proof.value.reveal()};
    return read_token_response(application_.authority, response, io_.clock.now(), secrets);
  }
};

class EnvironmentCredential final : public EntraCredential {
  Secret secret_;
  std::string certificate_path_;
  Secret certificate_password_;
  CertificateChain chain_ = CertificateChain::kLeave;

  static std::string why_not(const Environment& environment) {
    std::string reason = missing(environment, {"AZURE_TENANT_ID", "AZURE_CLIENT_ID"});
    if (value_of(environment, "AZURE_CLIENT_SECRET").empty() &&
        value_of(environment, "AZURE_CLIENT_CERTIFICATE_PATH").empty()) {
      if (!reason.empty()) reason += "; ";
      reason += "neither AZURE_CLIENT_SECRET nor AZURE_CLIENT_CERTIFICATE_PATH is set";
    }
    return reason;
  }

  EntraProof prove(const TokenRequest& request) override {
    if (!secret_.empty()) return {EntraProof::Kind::kSecret, secret_.clone()};
    constexpr std::string_view kName = "AZURE_CLIENT_CERTIFICATE_PATH";
    const Secret pem = read_secret_file(kName, certificate_path_, kMaxFile);
    const ClientCertificate certificate(std::string(kName) + " (" + certificate_path_ + ")",
                                        pem.reveal(), certificate_password_);
    return {EntraProof::Kind::kAssertion,
            certificate.assertion(application_.client_id, application_.token_url(request), chain_,
                                  io_.clock.now(), io_.random)};
  }

 public:
  EnvironmentCredential(const Environment& environment, client::RetryFsm::Options retry,
                        CredentialIo io)
      : EntraCredential(environment, why_not(environment), retry, io),
        secret_(value_of(environment, "AZURE_CLIENT_SECRET")),
        certificate_path_(value_of(environment, "AZURE_CLIENT_CERTIFICATE_PATH")),
        certificate_password_(value_of(environment, "AZURE_CLIENT_CERTIFICATE_PASSWORD")) {
    const std::string send = value_of(environment, "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN");
    if (send == "1" || send == "true" || send == "True" || send == "TRUE") {
      chain_ = CertificateChain::kSend;
    }
  }

  std::string name() const override {
    if (!not_here_.empty()) return "environment";
    return secret_.empty() ? "environment (client certificate)" : "environment (client secret)";
  }
};

class WorkloadIdentity final : public EntraCredential {
  std::string token_file_;

  EntraProof prove(const TokenRequest&) override {
    return {EntraProof::Kind::kAssertion,
            read_secret_file("AZURE_FEDERATED_TOKEN_FILE", token_file_, kMaxFile)};
  }

 public:
  WorkloadIdentity(const Environment& environment, client::RetryFsm::Options retry, CredentialIo io)
      : EntraCredential(environment,
                        missing(environment, {"AZURE_TENANT_ID", "AZURE_CLIENT_ID",
                                              "AZURE_FEDERATED_TOKEN_FILE"}),
                        retry, io),
        token_file_(value_of(environment, "AZURE_FEDERATED_TOKEN_FILE")) {}

  std::string name() const override { return "workload identity"; }
};

}  // namespace

std::string missing(const Environment& environment, std::initializer_list<std::string_view> names) {
  std::vector<std::string_view> unset;
  std::ranges::copy_if(names, std::back_inserter(unset),
                       [&](std::string_view name) { return value_of(environment, name).empty(); });
  std::string text;
  for (std::size_t i = 0; i < unset.size(); ++i) {
    if (i > 0) text += i + 1 == unset.size() ? " and " : ", ";
    text += unset[i];
  }
  if (!text.empty()) text += unset.size() == 1 ? " is not set" : " are not set";
  return text;
}

bool is_tenant(std::string_view text) {
  return !text.empty() && text.size() <= 253 && text.front() != '-' && text.front() != '.' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '-';
         });
}

std::string read_authority(std::string_view text) {
  std::string whole(text);
  if (whole.find("://") == std::string::npos) whole = "https://" + whole;
  const auto url = client::parse_url(whole);
  if (!url || url->scheme != "https" || (!url->path.empty() && url->path != "/")) {
    throw Error(ErrorKind::kValidation,
                "AZURE_AUTHORITY_HOST: expected https://HOST, such as "
                "https://login.microsoftonline.com, found \"" +
                    std::string(text) + "\"");
  }
  return url->origin();
}

EntraApplication EntraApplication::from(const Environment& environment) {
  const std::string host = value_of(environment, "AZURE_AUTHORITY_HOST");
  EntraApplication application{
      .authority = read_authority(host.empty() ? "login.microsoftonline.com" : host),
      .tenant = value_of(environment, "AZURE_TENANT_ID"),
      .client_id = value_of(environment, "AZURE_CLIENT_ID")};
  if (!is_tenant(application.tenant)) {
    throw Error(ErrorKind::kValidation,
                "AZURE_TENANT_ID: expected letters, digits, '.' and '-', found \"" +
                    application.tenant + "\"");
  }
  const std::string more = value_of(environment, "AZURE_ADDITIONALLY_ALLOWED_TENANTS");
  std::string_view rest = more;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    if (end > 0) application.more_tenants.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return application;
}

std::string EntraApplication::token_url(const TokenRequest& request) const {
  const bool own = request.tenant.empty() || same_tenant(request.tenant, tenant);
  const bool allowed = own || std::ranges::any_of(more_tenants, [&](const std::string& other) {
                         return other == "*" || same_tenant(other, request.tenant);
                       });
  if (!own && (!allowed || !is_tenant(request.tenant))) {
    throw Error(ErrorKind::kAuth,
                "a token of another tenant was asked for, and this identity is "
                "of " +
                    tenant + ": AZURE_ADDITIONALLY_ALLOWED_TENANTS does not name it");
  }
  return authority + "/" + (own ? tenant : request.tenant) + "/oauth2/v2.0/token";
}

client::HttpRequest entra_request(const EntraApplication& application, const TokenRequest& request,
                                  const EntraProof& proof) {
  const std::string scope = request.resource + "/.default";
  std::vector<std::pair<std::string_view, std::string_view>> fields{
      {"grant_type", "client_credentials"}, {"client_id", application.client_id}, {"scope", scope}};
  if (proof.kind == EntraProof::Kind::kSecret) {
    fields.emplace_back("client_secret", proof.value.reveal());
  } else {
    fields.emplace_back("client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    fields.emplace_back("client_assertion", proof.value.reveal());
  }
  client::HttpRequest http{.method = "POST", .url = application.token_url(request)};
  http.headers.emplace_back("Content-Type", Secret("application/x-www-form-urlencoded"sv));
  http.headers.emplace_back("Accept", Secret("application/json"sv));
  http.body = Secret(client::form_encode(fields));
  return http;
}

std::unique_ptr<Credential> make_environment_credential(const Environment& environment,
                                                        client::RetryFsm::Options retry,
                                                        CredentialIo io) {
  return std::make_unique<EnvironmentCredential>(environment, retry, io);
}

std::unique_ptr<Credential> make_workload_identity(const Environment& environment,
                                                   client::RetryFsm::Options retry,
                                                   CredentialIo io) {
  return std::make_unique<WorkloadIdentity>(environment, retry, io);
}

}  // namespace gesso::azure
