// An HTTP request and its reply, as the services that we call need them, and the seam between what
// is said to them (state machines, parsers) and how it is sent (libcurl, in curl_client.hpp).
//
// Bodies and header values may hold secrets: they are wiped when they end and never logged.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/base/secret.hpp"
#include "gesso/client/call.hpp"

namespace gesso::client {

struct HttpRequest {
  std::string method = "GET";
  std::string url;  // absolute; holds no secret
  std::vector<std::pair<std::string, Secret>> headers = {};
  Secret body = {};
  // The limit of one attempt, besides the call's own deadline.
  std::chrono::milliseconds timeout{30'000};
  std::chrono::milliseconds connect_timeout{10'000};
  // Whether to go past any proxy that the environment names, as metadata services, which are of
  // this machine, need it.
  bool direct = false;
};

struct HttpResponse {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers = {};  // names in lower case
  Secret body = {};

  // The first header of that name (given in lower case).
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
      if (key == name) return value;
    }
    return std::nullopt;
  }
};

// An Error of a request that nobody can have heard: no name, no connection.
class NotSent final : public Error {
 public:
  explicit NotSent(Error error) : Error(std::move(error)) {}
};

// Implementations are thread-safe and block. They follow no redirect, verify every certificate of
// an https URL, send an https request over TLS 1.2 or newer and refuse a reply over 1 MiB.
class HttpClient {
 public:
  HttpClient() = default;
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  virtual ~HttpClient() = default;

  // Makes one attempt. Any status is a reply. Throws Error: kUnavailable when there was none (the
  // message says host and reason: not found, refused, the certificate's fault), kTimeout when
  // `timeout` or the deadline passed, kValidation for what cannot be sent; of those of the first
  // kind a NotSent where no connection was made. retryable() says whether another attempt may help:
  // not after a bad certificate or a reply that is too long.
  [[nodiscard]] virtual HttpResponse send(const HttpRequest& request, const Call& call) = 0;
};

}  // namespace gesso::client
