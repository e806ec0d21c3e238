// Sign-in as a program: `domain/oauth` over libcurl, one command of JSON a line on standard input,
// one answer a line on standard output.
//
//   gesso-oauth-probe KIND URL CLIENT_ID CLIENT_SECRET
//   {"begin": REDIRECT_URI}                           -> {"url", "cookie"}
//   {"finish": {code, state, iss, error}, "cookie"}   -> the profile, or {"refusal", "detail"}
//
// What fails is {"error"}.
#include <boost/json.hpp>
#include <cstdio>
#include <iostream>

#include "gesso/base/error.hpp"
#include "gesso/client/curl_client.hpp"
#include "gesso/domain/oauth/sign_in.hpp"

namespace {

namespace json = boost::json;
using namespace gesso;
using namespace gesso::domain::oauth;

std::optional<std::string> text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return std::string(value->get_string());
}

json::object describe_outcome(const Outcome& outcome) {
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
    return {{"refusal", json::string_view(describe(refusal->reason))}, {"detail", refusal->detail}};
  }
  const auto& profile = std::get<Profile>(outcome);
  return {{"provider", json::string_view(to_string(profile.provider))},
          {"issuer", profile.issuer},
          {"subject", profile.subject},
          {"email", profile.email},
          {"email_verified", profile.email_verified},
          {"name", profile.name}};
}

json::object answer(SignIn& sign_in, ProviderKind kind, const json::object& command) {
  const client::Call call{.deadline = Deadline::after(std::chrono::seconds{30})};
  if (const auto redirect_uri = text_of(command, "begin")) {
    const auto begun = sign_in.begin(kind, *redirect_uri, call);
    return {{"url", begun.url}, {"cookie", begun.cookie}};
  }
  const json::object& finish = command.at("finish").as_object();
  const auto cookie = text_of(command, "cookie");
  return describe_outcome(sign_in.finish(kind,
                                         {.code = text_of(finish, "code"),
                                          .state = text_of(finish, "state"),
                                          .issuer = text_of(finish, "iss"),
                                          .error = text_of(finish, "error")},
                                         cookie, call));
}

Provider provider_of(ProviderKind kind, std::string client_id, Secret secret,
                     std::string_view url) {
  switch (kind) {
    case ProviderKind::kGoogle:
      return google(std::move(client_id), std::move(secret), "", url);
    case ProviderKind::kMicrosoft:
      return microsoft(std::move(client_id), std::move(secret), "common", url);
    case ProviderKind::kGithub:
      return github(std::move(client_id), std::move(secret), url);
  }
  throw Error(ErrorKind::kInternal, "an unknown kind");
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 5) return 2;
  const auto kind = provider_named(arguments[1]);
  if (!kind) return 2;
  Provider provider =
      provider_of(*kind, arguments[3], Secret(std::string_view(arguments[4])), arguments[2]);
  const auto client = client::make_curl_client({.allowed = provider.origins});
  const SystemClock clock;
  SystemRandom random;
  std::vector<Provider> providers;
  providers.push_back(std::move(provider));
  SignIn sign_in(std::move(providers), Secret(std::string(32, 'k')), *client, clock, random);
  for (std::string line; std::getline(std::cin, line);) {
    json::object said;
    try {
      said = answer(sign_in, *kind, json::parse(line).as_object());
    } catch (const std::exception& error) {
      said = {{"error", error.what()}};
    }
    std::cout << json::serialize(said) << std::endl;
  }
}
