// Which servers a client may call (OWASP ASVS 5.0, 1.3.6): scheme, host and port of each, said when
// the client is made, so that no value of a request, a document or a reply leads it elsewhere.
//
// A value; const after construction.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "gesso/client/url.hpp"

namespace gesso::client {

class AllowedOrigins {
  struct Rule {
    std::string scheme;
    std::string host;  // where `below`: the part after "*."
    int port;
    bool below;
  };
  std::vector<Rule> rules_;

 public:
  // Each is "https://api.example.com", with the port where it is not the scheme's own, or
  // "https://*.example.com" for every name below, however deep, but not "example.com" itself. A
  // path is no part of it. An empty list allows nobody.
  //
  // Throws Error kValidation, with the text, for one that cannot be read.
  AllowedOrigins(const std::vector<std::string>& origins);  // NOLINT(google-explicit-constructor)

  [[nodiscard]] bool allow(const Url& url) const;
};

}  // namespace gesso::client
