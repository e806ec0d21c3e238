// Sign-in with another provider's account: from the redirect to the provider to the profile of who
// came back. A thin adapter: what is said stands in attempt.hpp and exchange.hpp, and how it is
// sent in client/.
//
// Thread-safe; blocks. Borrows client, clock and randomness, which must outlive it. Holds no state
// of any attempt, so whichever instance began one, any finishes it that has the same root key.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/base/clock.hpp"
#include "gesso/base/random.hpp"
#include "gesso/base/sealing.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/domain/oauth/exchange.hpp"

namespace gesso::domain::oauth {

class SignIn {
  struct Known;  // a provider and what is cached of it
  std::vector<std::unique_ptr<Known>> providers_;
  Sealer sealer_;
  client::HttpClient& client_;
  const Clock& clock_;
  Random& random_;

  [[nodiscard]] Known& known(ProviderKind kind) const;
  [[nodiscard]] std::shared_ptr<const Metadata> metadata(Known& provider,
                                                         const client::Call& call) const;
  [[nodiscard]] client::HttpResponse fetch(const std::string& url, const client::Call& call) const;

 public:
  // `root` is the key that tokens are signed with; the cookies' key is derived from it. REQUIRES:
  // no two providers of one kind.
  SignIn(std::vector<Provider> providers, const Secret& root, client::HttpClient& client,
         const Clock& clock, Random& random);
  ~SignIn();
  SignIn(const SignIn&) = delete;
  SignIn& operator=(const SignIn&) = delete;

  [[nodiscard]] bool offers(ProviderKind kind) const;

  struct Begun {
    std::string url;     // where the browser is sent
    std::string cookie;  // what it keeps meanwhile, for `kAttemptLifetime`
  };
  // `redirect_uri` is ours, exactly as it is registered with the provider; the code is sent there.
  // `begun_for` is kept in the cookie, sealed, and comes back with the profile.
  //
  // Throws Error: kValidation for a provider that is not offered; as HttpClient::send, and
  // kInternal for metadata that cannot be used.
  [[nodiscard]] Begun begin(ProviderKind kind, std::string redirect_uri, const client::Call& call,
                            std::string begun_for = {});

  // Whether nobody finished that attempt before: asked once the callback is known to belong to it,
  // before the code is sent.
  using FirstUse = std::function<bool(const Attempt&)>;

  // The cookie is used up, whatever comes of it: the browser is to forget it.
  //
  // Throws Error: as `begin`; kAuth where the provider does not know our id or secret.
  [[nodiscard]] Outcome finish(ProviderKind kind, const Callback& callback,
                               std::optional<std::string_view> cookie, const client::Call& call,
                               const FirstUse& first_use = {});
};

}  // namespace gesso::domain::oauth
