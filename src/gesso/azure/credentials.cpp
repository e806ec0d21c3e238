#include "gesso/azure/credentials.hpp"

#include <algorithm>
#include <array>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/client/url.hpp"

namespace gesso::azure {
namespace {

enum class Member { kEnvironment, kWorkloadIdentity, kManagedIdentity, kAzureCli };

struct Named {
  std::string_view name;
  std::vector<Member> members;
};

// Azure's own names (https://learn.microsoft.com/dotnet/azure/sdk/authentication/credential-chains)
// of those that there are here.
std::vector<Named> known_names() {
  using enum Member;
  return {{"dev", {kAzureCli}},
          {"prod", {kEnvironment, kWorkloadIdentity, kManagedIdentity}},
          {"EnvironmentCredential", {kEnvironment}},
          {"WorkloadIdentityCredential", {kWorkloadIdentity}},
          {"ManagedIdentityCredential", {kManagedIdentity}},
          {"AzureCliCredential", {kAzureCli}}};
}

bool same_name(std::string_view left, std::string_view right) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(left, right, {}, lower, lower);
}

std::vector<Member> select(std::string_view name, std::string_view setting) {
  using enum Member;
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  if (name.empty()) return {kEnvironment, kWorkloadIdentity, kManagedIdentity, kAzureCli};
  std::string expected;
  for (const Named& known : known_names()) {
    if (same_name(known.name, name)) return known.members;
    expected += expected.empty() ? "" : ", ";
    expected += known.name;
  }
  throw Error(ErrorKind::kValidation, std::string(setting) + ": expected one of " + expected +
                                          ", found \"" + std::string(name) + "\"");
}

// One alone.
class OneCredential final : public TokenProvider {
  std::unique_ptr<Credential> credential_;

 public:
  explicit OneCredential(std::unique_ptr<Credential> credential)
      : credential_(std::move(credential)) {}

  AccessToken token(const TokenRequest& request, const client::Call& call) override {
    auto result = credential_->get(request, Credential::Asked::kAlone, call);
    if (const auto* not_here = std::get_if<NotHere>(&result)) {
      throw Error(ErrorKind::kAuth, name() + " is not set up here: " + not_here->reason);
    }
    return std::get<AccessToken>(std::move(result));
  }
  std::string name() const override { return credential_->name(); }
};

class Chain final : public TokenProvider {
  std::vector<std::unique_ptr<Credential>> members_;
  mutable std::mutex mutex_;  // guards winner_
  std::optional<std::size_t> winner_;

  std::optional<std::size_t> winner() const {
    const std::lock_guard lock(mutex_);
    return winner_;
  }

 public:
  explicit Chain(std::vector<std::unique_ptr<Credential>> members) : members_(std::move(members)) {}

  AccessToken token(const TokenRequest& request, const client::Call& call) override {
    if (const auto known = winner()) {
      auto result = members_[*known]->get(request, Credential::Asked::kAlone, call);
      if (auto* token = std::get_if<AccessToken>(&result)) return std::move(*token);
      throw Error(ErrorKind::kAuth, name() + ": " + std::get<NotHere>(result).reason);
    }
    std::string tried = "no identity of Azure gave a token:";
    for (std::size_t i = 0; i < members_.size(); ++i) {
      Credential& member = *members_[i];
      tried += "\n  " + member.name() + ": ";
      try {
        auto result = member.get(request, Credential::Asked::kInChain, call);
        if (auto* token = std::get_if<AccessToken>(&result)) {
          const std::lock_guard lock(mutex_);
          winner_ = i;
          return std::move(*token);
        }
        tried += "not set up here: " + std::get<NotHere>(result).reason;
      } catch (const Error& error) {
        tried += error.what();
        for (std::size_t rest = i + 1; rest < members_.size(); ++rest) {
          tried += "\n  " + members_[rest]->name() + ": not tried, since one before it is set up";
        }
        throw Error(error.kind(), tried,
                    {.retryable = error.retryable(), .retry_after = error.retry_after()});
      }
    }
    throw Error(ErrorKind::kAuth, tried);
  }

  std::string name() const override {
    if (const auto known = winner()) return members_[*known]->name();
    std::string names;
    for (const auto& member : members_) {
      names += names.empty() ? "the first of " : ", ";
      names += member->name();
    }
    return names;
  }
};

}  // namespace

std::unique_ptr<TokenProvider> make_credential(CredentialOptions options, CredentialIo io) {
  const Environment& environment = options.environment;
  const bool ours = !options.credential.empty();
  const std::vector<Member> selected =
      select(ours ? options.credential : environment("AZURE_TOKEN_CREDENTIALS").value_or(""),
             ours ? "GESSO_AZURE_CREDENTIAL" : "AZURE_TOKEN_CREDENTIALS");
  using Kind = ManagedIdentityId::Kind;
  if (options.managed_identity.id.kind == Kind::kSystemAssigned) {
    if (auto id = environment("AZURE_CLIENT_ID"); id && !id->empty()) {
      options.managed_identity.id = {Kind::kClientId, *id};
    }
  }
  const auto make = [&](Member member) -> std::unique_ptr<Credential> {
    switch (member) {
      case Member::kEnvironment:
        return make_environment_credential(environment, options.entra_retry, io);
      case Member::kWorkloadIdentity:
        return make_workload_identity(environment, options.entra_retry, io);
      case Member::kManagedIdentity:
        return make_managed_identity(environment, options.managed_identity, io);
      case Member::kAzureCli:
        return make_azure_cli(options.azure_cli, io.clock);
    }
    throw Error(ErrorKind::kInternal, "an unknown credential");
  };
  std::vector<std::unique_ptr<Credential>> members;
  for (const Member member : selected) members.push_back(make(member));
  if (members.size() == 1) return std::make_unique<OneCredential>(std::move(members.front()));
  return std::make_unique<Chain>(std::move(members));
}

std::vector<std::string> credential_origins(const Environment& environment) {
  std::vector<std::string> origins;
  for (const auto& [variable, otherwise] :
       {std::pair{"AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com"},
        std::pair{"AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://169.254.169.254"},
        std::pair{"IDENTITY_ENDPOINT", ""}}) {
    std::string text = environment(variable).value_or("");
    if (text.empty()) text = otherwise;
    if (text.find("://") == std::string::npos) text = "https://" + text;  // as Azure's SDKs do
    if (const auto url = client::parse_url(text)) origins.push_back(url->origin());
  }
  return origins;
}

}  // namespace gesso::azure
