// A provider behind an HttpClient: metadata, keys, a page that always agrees, a token endpoint that
// checks what it is sent (client, secret, code, redirect URI, PKCE), and GitHub's API.
//
// Owned by the test; thread-safe.
#pragma once

#include <boost/json.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gesso/client/http_client.hpp"
#include "gesso/domain/oauth/exchange.hpp"
#include "gesso/testing/token_signer.hpp"

namespace gesso::domain::oauth {

using Signer = gesso::testing::TokenSigner;

class FakeProvider final : public client::HttpClient {
  mutable std::mutex mutex_;  // guards what follows
  struct Grant {
    std::map<std::string, std::string> asked;
    bool used = false;
  };
  std::map<std::string, Grant> codes_;
  std::vector<std::string> asked_;  // "GET https://...", in order

  client::HttpResponse token(const client::HttpRequest& request);

 public:
  // What it says and does; a test changes it between calls.
  std::string base = "https://accounts.google.com";
  std::string issuer = "https://accounts.google.com";
  std::string client_secret = "hunter2";
  const Signer* signer = &Signer::first();
  boost::json::array keys = {Signer::first().jwk()};
  boost::json::object claims = {};  // over those that every token has
  boost::json::object metadata_extra = {};
  std::optional<std::string> callback_issuer = {};
  bool github = false;  // errors with status 200, and an API
  std::string user = R"({"id":583231,"login":"octocat","name":"The Octocat","email":null})";
  std::string emails =
      R"([{"email":"old@example.com","primary":false,"verified":true},)"
      R"({"email":"octocat@example.com","primary":true,"verified":true,"visibility":"private"}])";
  // Replies in place of the good ones, by path: {"/token", {503, ""}}.
  std::map<std::string, std::pair<int, std::string>> instead = {};
  Time now{std::chrono::seconds{1'769'860'800}};

  // What a person does who agrees: the browser goes to the page and comes back.
  [[nodiscard]] Callback agree(const std::string& authorize_url);

  client::HttpResponse send(const client::HttpRequest& request, const client::Call& call) override;

  // How often a path was asked.
  [[nodiscard]] std::size_t asked(const std::string& path) const;
};

// The query of a URL, decoded.
[[nodiscard]] std::map<std::string, std::string> query_of(const std::string& url);

}  // namespace gesso::domain::oauth
