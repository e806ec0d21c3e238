#include "gesso/domain/oauth/sign_in.hpp"

#include "gesso/base/error.hpp"
#include "gesso/client/retry.hpp"
#include "gesso/domain/oauth/cached.hpp"

namespace gesso::domain::oauth {
namespace {

// ID tokens are signed with RS256 (OpenID Connect Core 1.0, section 2), and no other is asked for.
const VerificationKey* find(const KeySet& set, std::string_view id) {
  return set.find(id, jose::Algorithm::kRs256);
}

using std::chrono::milliseconds;

// Somebody waits at a browser: two attempts, soon after each other.
constexpr client::RetryFsm::Options kRetry{
    .attempts = 2, .wait_min = milliseconds{200}, .wait_max = milliseconds{2'000}};
constexpr milliseconds kTimeout{5'000};

}  // namespace

struct SignIn::Known {
  Provider provider;
  Cached<Metadata> metadata;
  Cached<KeySet> keys;

  Known(Provider of, const Clock& clock) : provider(std::move(of)), metadata(clock), keys(clock) {}
};

SignIn::SignIn(std::vector<Provider> providers, const Secret& root, client::HttpClient& client,
               const Clock& clock, Random& random)
    : sealer_(root, "gesso sign-in attempt 1"), client_(client), clock_(clock), random_(random) {
  for (Provider& provider : providers) {
    providers_.push_back(std::make_unique<Known>(std::move(provider), clock));
  }
}

SignIn::~SignIn() = default;

bool SignIn::offers(ProviderKind kind) const {
  for (const auto& known : providers_) {
    if (known->provider.kind == kind) return true;
  }
  return false;
}

SignIn::Known& SignIn::known(ProviderKind kind) const {
  for (const auto& known : providers_) {
    if (known->provider.kind == kind) return *known;
  }
  throw Error(ErrorKind::kValidation,
              "sign-in with " + std::string(to_string(kind)) + " is not set up here");
}

client::HttpResponse SignIn::fetch(const std::string& url, const client::Call& call) const {
  auto response = client::send_with_retry(client_, {.url = url, .timeout = kTimeout}, kRetry,
                                          clock_, random_, call);
  if (response.status != 200) {
    throw Error(ErrorKind::kUnavailable, url + ": status " + std::to_string(response.status),
                {.retryable = true});
  }
  return response;
}

std::shared_ptr<const Metadata> SignIn::metadata(Known& known, const client::Call& call) const {
  if (!known.provider.is_openid()) {
    return std::make_shared<const Metadata>(static_metadata(known.provider));
  }
  return known.metadata.get([](const Metadata&) { return true; },
                            [&] {
                              const auto response = fetch(known.provider.metadata_url, call);
                              return read_metadata(known.provider, response.body.reveal());
                            },
                            call, "waiting for a provider's metadata");
}

SignIn::Begun SignIn::begin(ProviderKind kind, std::string redirect_uri, const client::Call& call,
                            std::string begun_for) {
  Known& of = known(kind);
  const auto metadata_of = metadata(of, call);
  Attempt attempt = new_attempt(kind, std::move(redirect_uri), clock_.now(), random_);
  attempt.begun_for = std::move(begun_for);
  return {.url = authorize_url(of.provider, metadata_of->authorization_endpoint, attempt),
          .cookie = seal_attempt(attempt, sealer_, random_)};
}

Outcome SignIn::finish(ProviderKind kind, const Callback& callback,
                       std::optional<std::string_view> cookie, const client::Call& call,
                       const FirstUse& first_use) {
  Known& of = known(kind);
  const auto attempt =
      cookie ? open_attempt(*cookie, sealer_, clock_.now()) : std::optional<Attempt>();
  if (!attempt || attempt->provider != kind) {
    return Refusal{RefusalReason::kNotBegun, "no attempt of this browser"};
  }
  const auto metadata_of = metadata(of, call);
  if (auto refusal = refuse_callback(callback, *attempt, *metadata_of)) return *refusal;
  if (first_use && !first_use(*attempt)) {
    return Refusal{RefusalReason::kNotBegun, "the attempt was used before"};
  }

  CodeExchange exchange(of.provider, *metadata_of, *attempt, *callback.code);
  CodeExchange::Step step = exchange.start();
  while (true) {
    if (auto* outcome = std::get_if<Outcome>(&step)) {
      if (auto* profile = std::get_if<Profile>(outcome)) profile->begun_for = attempt->begun_for;
      return std::move(*outcome);
    }
    if (const auto* request = std::get_if<client::HttpRequest>(&step)) {
      const bool once = request->method == "POST";
      const auto response =
          once ? client_.send(*request, call)
               : client::send_with_retry(client_, *request, kRetry, clock_, random_, call);
      step = exchange.reply(response);
      continue;
    }
    const std::string id = std::get<CodeExchange::KeyNeeded>(step).id;
    const auto keys = of.keys.get([&](const KeySet& set) { return find(set, id) != nullptr; },
                                  [&] {
                                    const auto response = fetch(metadata_of->jwks_uri, call);
                                    auto read = KeySet::read(response.body.reveal());
                                    if (!read) {
                                      throw Error(ErrorKind::kInternal,
                                                  metadata_of->jwks_uri + ": it is no set of keys");
                                    }
                                    return std::move(*read);
                                  },
                                  call, "waiting for a provider's keys");
    step = exchange.key(find(*keys, id), clock_.now());
  }
}

}  // namespace gesso::domain::oauth
