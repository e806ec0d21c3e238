// A TokenProvider whose tokens a test writes down, and that keeps what it was asked.
//
// Owned by the test; not thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/azure/token.hpp"
#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"

namespace gesso::azure {

// A JWT in form, of a tenant.
inline std::string token_of(std::string_view tenant, std::string_view serial = "1") {
  const std::string claims =
      "{\"tid\":\"" + std::string(tenant) + "\",\"serial\":\"" + std::string(serial) + "\"}";
  return base64url_encode("{}") + "." + base64url_encode(claims) + ".c2lnbmF0dXJl";
}

class FakeTokens final : public TokenProvider {
 public:
  struct Asked {
    std::string resource;
    std::string tenant;
    bool fresh;
    friend bool operator==(const Asked&, const Asked&) = default;
  };
  std::string token_text = token_of("my-tenant");
  std::optional<Error> failure;
  std::vector<Asked> asked;

  AccessToken token(const TokenRequest& request, const client::Call&) override {
    asked.push_back({request.resource, request.tenant, request.fresh});
    if (failure) throw *failure;
    return {Secret(std::string_view(token_text)), Time::max(), Time::max()};
  }
  [[nodiscard]] std::string name() const override { return "fake"; }
};

}  // namespace gesso::azure
