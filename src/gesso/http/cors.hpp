// Cross-origin resource sharing (the Fetch standard, "CORS protocol"): which pages of other origins
// may read what we answer.
//
//   const Cors cors({.origins = {"https://app.example"}, .credentials = true});
//   if (auto answer = cors.preflight(request)) return respond(*std::move(answer));
//   ...
//   cors.apply(origin, response);  // to every response, errors too
//
// Immutable: safe to use from every thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/http/request.hpp"
#include "gesso/http/response.hpp"

namespace gesso::http {

struct CorsOptions {
  // "https://app.example", as a browser sends it, or "*" alone for every one. None: no page may.
  std::vector<std::string> origins = {};
  std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  // What a page may send beyond what every page may.
  std::vector<std::string> headers = {"Authorization", "Content-Type", "Idempotency-Key",
                                      "Last-Event-ID", "X-Request-ID"};
  // What a page may read beyond what every page may.
  std::vector<std::string> exposed = {"Location", "RateLimit", "RateLimit-Policy", "Retry-After",
                                      "X-Request-ID"};
  bool credentials = false;           // cookies; for named origins only
  std::chrono::seconds max_age{600};  // how long a browser keeps the answer to a preflight
};

class Cors {
  std::vector<std::string> origins_;
  bool any_origin_ = false;
  bool credentials_;
  std::string methods_;
  std::string headers_;
  std::string exposed_;
  std::string max_age_;

  [[nodiscard]] bool admits(std::string_view origin) const noexcept;

 public:
  // Throws Error (kValidation) for an origin that no browser sends ("https://app.example/", "null",
  // a pattern), and for credentials with "*".
  explicit Cors(const CorsOptions& options = {});

  // The answer to a preflight: OPTIONS with Origin and Access-Control-Request-Method. std::nullopt
  // for every other request, and where no origin is admitted at all.
  [[nodiscard]] std::optional<Response> preflight(const Request& request) const;

  // Adds what lets a page of `origin` read the response; "" where the request named none. `Vary`
  // names Origin whether the origin is admitted or not, since the response depends on it.
  void apply(std::string_view origin, Response& response) const;
};

}  // namespace gesso::http
