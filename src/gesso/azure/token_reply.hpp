// What the endpoints that give tokens say: Entra ID, the platforms' managed identity endpoints and
// the Azure CLI differ in how they write numbers and dates, not in what they mean.
//
// Pure functions. What they throw and return shows neither a token nor a secret.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gesso/azure/token.hpp"
#include "gesso/base/clock.hpp"
#include "gesso/base/error.hpp"
#include "gesso/client/http_client.hpp"

namespace gesso::azure {

// {access_token, expires_on or expires_in, refresh_in?}; numbers may come as strings, `expires_on`
// as seconds since 1970 or as a date ("01/31/2026 13:00:00 +00:00", ISO 8601). `expires_on` counts
// before `expires_in`, which endpoints that keep tokens count from the time of issue.
// `refresh_on` is half of what is left, or `refresh_in` where that comes within the token's life.
//
// Throws Error: kInternal for anything else (what was expected and what was found), kUnavailable
// for a token that has expired already, which a clock that is wrong looks like.
[[nodiscard]] AccessToken read_token_reply(std::string_view body, Time now);

// The output of `az account get-access-token`: {accessToken, expires_on (seconds) or expiresOn
// ("2026-01-31 13:00:00.000000" in local time)}. Throws as above.
[[nodiscard]] AccessToken read_az_output(std::string_view output, Time now);

// Whether a reply's member is this id, in upper or lower case.
[[nodiscard]] bool reply_names(std::string_view body, std::string_view member, std::string_view id);

// A refusal in an endpoint's own words, on one line: "invalid_client: AADSTS7000215: ..." of
// {error, error_description}, or of {error: {code, message}}, {statusCode, message}; "" where there
// is nothing of that kind. Control characters, whatever looks like a token, and `secrets` (what we
// sent) are cut out.
[[nodiscard]] std::string read_refusal(std::string_view body,
                                       std::span<const std::string_view> secrets = {});

// A refusal that is no JSON, as a program writes it to standard error: its first line, with the
// same cut out.
[[nodiscard]] std::string first_line(std::string_view text,
                                     std::span<const std::string_view> secrets = {});

// The Error of a reply that is not 200: "WHAT: 400 invalid_client: ...". kAuth for what this
// identity cannot change by waiting, kThrottled for 429, kUnavailable for 404, 410 and 5xx.
[[nodiscard]] Error refusal(std::string_view what, const client::HttpResponse& response,
                            std::span<const std::string_view> secrets = {});

// What a token endpoint answered: its token, or the Error of its refusal or of a reply that cannot
// be read, with `what` before it.
[[nodiscard]] AccessToken read_token_response(std::string_view what,
                                              const client::HttpResponse& response, Time now,
                                              std::span<const std::string_view> secrets = {});

}  // namespace gesso::azure
