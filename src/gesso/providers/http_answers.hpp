// What the replies of providers have in common. For this room alone. Functions; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/bson/view.hpp"
#include "gesso/client/http_client.hpp"
#include "gesso/providers/provider.hpp"

namespace gesso::providers {

// "Authorization" with a bearer token.
[[nodiscard]] std::pair<std::string, Secret> bearer(const Secret& token);

// The reply's body; std::nullopt where it is no JSON object.
[[nodiscard]] std::optional<bson::Document> json_of(const client::HttpResponse& reply);
// A member that is a text, or "".
[[nodiscard]] std::string_view text_of(bson::View object, std::string_view name);

// Sends once. `read` is asked what a reply means; where there was none: Busy where nobody can have
// heard it (the connection was refused before anything was sent), else NoAnswer.
[[nodiscard]] Answer ask(client::HttpClient& client, const client::HttpRequest& request,
                         const client::Call& call, std::string_view who,
                         const std::function<Answer(const client::HttpResponse&)>& read);

// Asks whether there is a model: a reply of 200 says so, `is_gone` knows the one that says no, and
// 401 and 403 say that we may not ask. Sends once more after anything else: no reply, 429, 5xx.
[[nodiscard]] ModelAnswer ask_for_model(
    client::HttpClient& client, const client::HttpRequest& request, const client::Call& call,
    std::string_view who, const std::function<bool(const client::HttpResponse&)>& is_gone);

// What a status means that is none of a provider's own: 401 and 403 are our credentials' fault, 402
// our account's, 408, 409, 425, 429 and 5xx pass. `detail` is what the provider says, for the user
// where it is about the input. 5xx may have been heard where `creates`.
[[nodiscard]] Answer answer_to_status(const client::HttpResponse& reply, std::string_view who,
                                      std::string_view detail, bool creates, Time now);

}  // namespace gesso::providers
