// HttpClient over libcurl. Each call has a connection of its own: calls are rare, minutes
// apart, and a connection that idles that long is lost anyway.
#pragma once

#include <memory>
#include <string>

#include "gesso/client/allowed_origins.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::client {

struct CurlOptions {
  // Whom it may call; a request to anybody else is refused before a name is looked up.
  AllowedOrigins allowed;
  // HOST:PORT:ADDRESS:PORT, comma-separated, as libcurl's CONNECT_TO: requests to the first two go
  // to the last two (a private endpoint, a test's server). Names and certificates are checked as
  // ever, against the URL's host.
  std::string connect_to = {};
  // Certificate authorities, PEM, in place of the system's bundle; a folder of authorities that
  // libcurl was built with (/etc/ssl/certs on Debian) stays trusted beside it.
  std::string ca_file = {};
  std::string user_agent = "gesso";
  std::size_t max_reply = std::size_t{1}
                          << 20;  // a reply's body, in bytes; a longer one is refused
};

// Proxies are those of the environment (https_proxy, no_proxy), but for a `direct` request.
//
// Throws Error kValidation where `connect_to` cannot be read or `ca_file` is no file that can be
// opened.
[[nodiscard]] std::unique_ptr<HttpClient> make_curl_client(CurlOptions options);

}  // namespace gesso::client
