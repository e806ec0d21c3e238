// A stand-in for the token endpoint of Microsoft Entra ID (v2.0, client credentials): by client
// secret, by a certificate's signature and by the federated token of a Kubernetes cluster.
//
// Signatures and claims are verified, not believed. Part of an AzureStandIn; thread-safe.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gesso/testing/azure_tokens.hpp"
#include "gesso/testing/https_server.hpp"
#include "gesso/testing/temp_dir.hpp"
#include "gesso/testing/test_ca.hpp"

namespace gesso::testing {

// What names a federated credential: the cluster's issuer and a service account.
struct FederatedCredential {
  std::string issuer = "https://oidc.example.net/cluster/";
  std::string subject = "system:serviceaccount:gesso:gesso";
  std::string audience = "api://AzureADTokenExchange";
};

class EntraStandIn {
  struct Application {
    std::map<std::string, Time> secrets;  // and when each expires
    std::vector<Certificate> certificates;
    std::vector<FederatedCredential> federated;
  };

  const std::string host_;
  const std::string tenant_;
  const std::string client_id_;
  AzureTokens& tokens_;
  TempDir folder_;
  mutable std::mutex mutex_;  // guards what follows
  std::string client_secret_;
  std::optional<Certificate> client_certificate_;
  std::map<std::string, Application> applications_;  // by client id
  std::optional<Certificate> cluster_;               // signs federated tokens
  HttpsServer server_;                               // last: its threads use all of the above

  HttpsServer::Reply answer(const HttpsServer::Request& request);
  HttpsServer::Reply token(const HttpsServer::Request& request, const std::string& tenant);
  HttpsServer::Reply metadata(const HttpsServer::Request& request) const;
  // The refusal, or none. With mutex_ held.
  std::optional<HttpsServer::Reply> refuse_secret(const std::string& client_id,
                                                  const std::string& secret) const;
  std::optional<HttpsServer::Reply> refuse_assertion(const std::string& client_id,
                                                     const std::string& assertion) const;
  const Certificate& cluster();

 public:
  // `host`: "login.microsoftonline.com".
  EntraStandIn(std::string host, std::string tenant, std::string client_id,
               const Certificate& certificate, AzureTokens& tokens);

  [[nodiscard]] HttpsServer& server() { return server_; }
  [[nodiscard]] const HttpsServer& server() const { return server_; }

  // The application that is there from the start, and its secret.
  [[nodiscard]] const std::string& client_id() const { return client_id_; }
  [[nodiscard]] std::string client_secret() const;
  // A PEM file of the application's registered certificate and its key (RSA), made when first
  // asked for.
  [[nodiscard]] std::filesystem::path client_certificate_file();

  void add_application(const std::string& client_id);
  void add_secret(const std::string& client_id, const std::string& secret,
                  std::optional<Time> expires = {});
  void remove_secret(const std::string& client_id, const std::string& secret);
  void register_certificate(const std::string& client_id, const Certificate& certificate);
  void remove_certificates(const std::string& client_id);
  void add_federated(const std::string& client_id, FederatedCredential credential);

  // A token as the cluster projects it into a pod, signed by the cluster's key.
  [[nodiscard]] std::string federated_token(FederatedCredential credential = {},
                                            std::chrono::seconds life = std::chrono::hours{1});
  // The file of AZURE_FEDERATED_TOKEN_FILE, made with a token in it when first asked for.
  [[nodiscard]] std::filesystem::path federated_token_file();
  // Replaces its content as kubelet does (at once, by a rename).
  void write_federated_token(const std::string& token);

  enum class Credential { kClientSecret, kClientCertificate, kWorkloadIdentity };
  // AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_AUTHORITY_HOST and the credential's own.
  [[nodiscard]] std::map<std::string, std::string> environment(Credential credential);
};

}  // namespace gesso::testing
