// A stand-in for one Azure Key Vault's secrets, over TLS: the challenge, a secret's latest or named
// version, the list of its versions in pages, and each refusal with its published body.
//
// It takes only tokens that the other stand-ins issued for the vault's resource and tenant and that
// have not expired. Part of an AzureStandIn; thread-safe.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/testing/azure_tokens.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/test_ca.hpp"

namespace gesso::testing {

class KeyVaultStandIn {
 public:
  // Why an identity that is known gets nothing.
  enum class Refusal {
    kNone,
    kByRbac,        // it has no role
    kByPolicy,      // a vault of the older permission model
    kByFirewall,    // the caller's address
    kByConnection,  // public network access is disabled
  };
  struct Attributes {
    bool enabled = true;
    std::optional<Time> not_before = {};
    std::optional<Time> expires = {};
    std::optional<std::string> content_type = {};
  };

 private:
  struct Version {
    std::string id;
    std::string value;
    Attributes attributes;
    Time created;
    Time updated;
  };
  struct Secret {
    std::vector<Version> versions;  // oldest first
    bool deleted = false;
    Time deleted_at = {};
  };

  const std::string host_;
  const std::string tenant_;
  const std::string authority_;
  const std::string resource_;
  AzureTokens& tokens_;
  mutable std::mutex mutex_;  // guards what follows
  std::map<std::string, Secret, std::less<>> secrets_;
  Refusal refusal_ = Refusal::kNone;
  bool refuses_tokens_ = false;
  std::size_t page_ = 25;
  std::optional<std::string> challenge_;
  std::optional<std::string> next_link_;
  std::map<std::string, std::size_t, std::less<>> reads_;
  HttpsServer server_;  // last: its threads use all of the above

  HttpsServer::Reply answer(const HttpsServer::Request& request);
  // With mutex_ held.
  std::optional<HttpsServer::Reply> refuse(const HttpsServer::Request& request) const;
  HttpsServer::Reply unauthorized(const std::string& message) const;
  HttpsServer::Reply read(const std::string& name, const std::string& version);
  HttpsServer::Reply list(const HttpsServer::Request& request, const std::string& name) const;
  HttpsServer::Reply read_deleted(const std::string& name) const;
  // The latest where `id` is empty; throws std::out_of_range.
  Version& version(std::string_view name, std::string_view id);

 public:
  // `host`: "myvault.vault.azure.net"; `authority`: "https://login.microsoftonline.com";
  // `resource`: "https://vault.azure.net".
  KeyVaultStandIn(std::string host, std::string tenant, std::string authority, std::string resource,
                  const Certificate& certificate, AzureTokens& tokens);

  [[nodiscard]] HttpsServer& server() { return server_; }
  [[nodiscard]] const HttpsServer& server() const { return server_; }
  // "https://myvault.vault.azure.net"
  [[nodiscard]] std::string url() const;

  // A new version, which is the latest from now on; returns its id.
  std::string set_secret(std::string_view name, std::string_view value, Attributes attributes);
  std::string set_secret(std::string_view name, std::string_view value);
  // Change the latest version, or one that is named. Throw std::out_of_range where there is none.
  void disable(std::string_view name, std::string_view version = {});
  void enable(std::string_view name, std::string_view version = {});
  void set_validity(std::string_view name, std::optional<Time> not_before,
                    std::optional<Time> expires);
  // Deletes softly: the secret is found among the deleted ones alone, until it is recovered.
  void remove(std::string_view name);
  void recover(std::string_view name);

  void refuse_identity(Refusal refusal);
  // Every token, however fresh, gets a 401.
  void refuse_tokens(bool on);
  // The challenge names these in place of the right ones.
  void challenge_with(const std::string& authorization, const std::string& resource);
  // The whole of WWW-Authenticate; std::nullopt: the right one again.
  void challenge_with(std::optional<std::string> header);
  // The next requests are throttled as the real vault does it: without Retry-After unless given.
  void throttle_next(std::size_t count, RetryAfter retry_after = {});
  // Versions a page holds at most; 25 unless set.
  void set_page(std::size_t versions);
  // Where the list of versions says that its next page is; std::nullopt: the truth.
  void set_next_link(std::optional<std::string> url);

  // How many times a secret's value was given out.
  [[nodiscard]] std::size_t reads(std::string_view name) const;
};

}  // namespace gesso::testing
