#include "gesso/mongo/detail/connection_login.hpp"

#include <algorithm>
#include <string>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"

namespace gesso::mongo::detail {
namespace {

constexpr int kReauthenticationRequired = 391;
// Of a token's end. By then its source has the next one, which is fetched at half of its life.
constexpr std::chrono::seconds kAhead{120};

// The payload is a document of its own, {jwt: TOKEN}, in a binary. Wiped: it holds the token.
Secret payload_of(const Secret& token) {
  const bson::Document document = bson::make_document("jwt", token.reveal());
  return Secret(std::string(reinterpret_cast<const char*>(document.data()), document.size()));
}

bool send(mongoc_client_t* client, const Secret& token, bson_error_t& error) {
  const Secret payload = payload_of(token);
  const std::string_view bytes = payload.reveal();
  const bson::Document command = bson::make_document(
      "saslStart", 1, "mechanism", "MONGODB-OIDC", "payload",
      bson::Binary{.subtype = 0,
                   .bytes = {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}});
  Reply reply;
  return mongoc_client_command_simple(client, "$external", Borrowed(command), nullptr,
                                      reply.reset(), &error);
}

}  // namespace

void ConnectionLogin::refused(int code) {
  opened_ = 0;
  wish_ = code == kReauthenticationRequired ? TokenWish::kFresh : TokenWish::kAny;
}

bool ConnectionLogin::run(StreamLimits& limits, const TokenLogin& login, const TokenSource& source,
                          Time now, bson_error_t& error) {
  for (;; wish_ = TokenWish::kFresh) {
    const LoginToken token = source(login, wish_, limits.deadline);
    if (send(limits.client, token.value, error)) {
      ++limits.commands;
      opened_ = limits.opened;
      // A token that came with less left than that is used to its end.
      const bool is_long = token.expires_on - now > 2 * kAhead;
      due_ = is_long ? token.expires_on - kAhead : token.expires_on;
      wish_ = TokenWish::kAny;
      return true;
    }
    const Origin origin = origin_of(error);
    const int code = static_cast<int>(error.code);
    if (!refuses_credentials(origin, code, error.message)) {
      // Nothing of what the connection was opened for has been sent, whatever became of this.
      if (origin == Origin::kNetwork) {
        error.domain = MONGOC_ERROR_SERVER_SELECTION;
        error.code = MONGOC_ERROR_SERVER_SELECTION_FAILURE;
      }
      return false;
    }
    if (wish_ == TokenWish::kFresh) {
      throw Error(ErrorKind::kAuth,
                  "the server refuses the access token for " + login.resource + ": " +
                      error.message +
                      ". Is the identity a user of the cluster (its object id, not its client id)?",
                  {.server_code = code, .operation = "saslStart"});
    }
  }
}

}  // namespace gesso::mongo::detail
