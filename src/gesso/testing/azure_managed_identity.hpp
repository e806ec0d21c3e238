// Stand-ins for the endpoints that give a platform's managed identity its tokens: the instance
// metadata service of virtual machines, App Service and Container Apps, and Azure Arc's agent. They
// speak plain HTTP on 127.0.0.1, as the real ones do on the machine itself, and check what those
// check.
//
// Part of an AzureStandIn; thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/testing/azure_tokens.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/temp_dir.hpp"

namespace gesso::testing {

struct ManagedIdentity {
  std::string client_id;
  std::string object_id;
  std::string resource_id;  // "/subscriptions/.../userAssignedIdentities/NAME"
};

// What a platform's endpoint shares with the others: who may ask, and the server's faults.
class ManagedIdentityEndpoint {
 protected:
  const std::string issuer_;
  const std::string tenant_;
  AzureTokens& tokens_;
  mutable std::mutex mutex_;  // guards what follows and what subclasses add
  std::optional<ManagedIdentity> system_assigned_;
  std::vector<ManagedIdentity> user_assigned_;
  std::map<std::string, IssuedToken> cached_;  // by client and resource
  bool caching_ = false;

  ManagedIdentityEndpoint(std::string issuer, std::string tenant, ManagedIdentity system_assigned,
                          AzureTokens& tokens);
  ~ManagedIdentityEndpoint() = default;

  // How a request names a user-assigned identity here, and whom it means.
  struct Selector {
    std::string_view client_id, object_id, resource_id;  // names of parameters
  };
  enum class Found { kOne, kNone, kSeveral };
  [[nodiscard]] Found find(const HttpsServer::Request& request, const Selector& selector,
                           ManagedIdentity& found) const;
  [[nodiscard]] IssuedToken token_for(const ManagedIdentity& identity, const std::string& resource);

 public:
  ManagedIdentityEndpoint(const ManagedIdentityEndpoint&) = delete;
  ManagedIdentityEndpoint& operator=(const ManagedIdentityEndpoint&) = delete;

  // A system-assigned identity is there from the start.
  void remove_system_assigned();
  void add_user_assigned(ManagedIdentity identity);
  // Off unless set: the same token again until five minutes before its end, as the platform does.
  void cache_tokens(bool on);
};

// The endpoint of virtual machines; http://169.254.169.254 in the field, named here by
// AZURE_POD_IDENTITY_AUTHORITY_HOST.
class ImdsStandIn : public ManagedIdentityEndpoint {
  HttpsServer server_;  // last: its threads use all of the above

  HttpsServer::Reply answer(const HttpsServer::Request& request);

 public:
  ImdsStandIn(std::string tenant, ManagedIdentity system_assigned, AzureTokens& tokens);

  [[nodiscard]] HttpsServer& server() { return server_; }
  [[nodiscard]] const HttpsServer& server() const { return server_; }
  [[nodiscard]] std::map<std::string, std::string> environment() const;
};

// App Service, Functions and Container Apps (api-version 2019-08-01).
class AppServiceStandIn : public ManagedIdentityEndpoint {
  std::string header_;
  HttpsServer server_;  // last: its threads use all of the above

  HttpsServer::Reply answer(const HttpsServer::Request& request);

 public:
  AppServiceStandIn(std::string tenant, ManagedIdentity system_assigned, AzureTokens& tokens);

  [[nodiscard]] HttpsServer& server() { return server_; }
  [[nodiscard]] const HttpsServer& server() const { return server_; }
  // IDENTITY_ENDPOINT and IDENTITY_HEADER.
  [[nodiscard]] std::map<std::string, std::string> environment() const;
  [[nodiscard]] std::string identity_header() const;
  // Changes the header, as the platform does now and then: the one before is refused.
  void rotate_identity_header();
};

// The agent of Azure Arc: it proves that the caller may read a file of its folder. Each file's
// content opens the endpoint once.
class ArcStandIn : public ManagedIdentityEndpoint {
 public:
  // A challenge that is not as it should be.
  struct Challenge {
    std::optional<std::filesystem::path> folder = {};  // another than the agent's
    std::string extension = ".key";
    std::size_t bytes = 64;                  // of the file; the real agent's are under 4096
    bool as_link = false;                    // the name in the folder is a symbolic link outwards
    bool without_file = false;               // named, but not there
    std::optional<std::string> header = {};  // the whole of WWW-Authenticate; "": none
  };

 private:
  const std::filesystem::path folder_;
  TempDir elsewhere_;
  Challenge challenge_;
  bool honours_user_assigned_ = true;
  std::vector<std::string> open_keys_;
  HttpsServer server_;  // last: its threads use all of the above

  HttpsServer::Reply answer(const HttpsServer::Request& request);
  HttpsServer::Reply challenge();

 public:
  // `folder` stands for /var/opt/azcmagent/tokens and is made where it is not there.
  ArcStandIn(std::string tenant, ManagedIdentity system_assigned, AzureTokens& tokens,
             std::filesystem::path folder);

  [[nodiscard]] HttpsServer& server() { return server_; }
  [[nodiscard]] const HttpsServer& server() const { return server_; }
  // IDENTITY_ENDPOINT and IMDS_ENDPOINT.
  [[nodiscard]] std::map<std::string, std::string> environment() const;
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  void challenge_with(Challenge challenge);
  // Old agents give the system-assigned identity's token whomever they are asked for, and their
  // reply names nobody. A new one's reply names the identity by the parameter it was asked with.
  void honour_user_assigned(bool on);
};

}  // namespace gesso::testing
