// From what an operation's function returns to a response: described structs as JSON, and the few
// outputs that are none. Functions and value types; thread-safe.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gesso/api/result.hpp"
#include "gesso/http/body_stream.hpp"
#include "gesso/http/problem.hpp"
#include "gesso/http/response.hpp"
#include "gesso/schema/codec.hpp"
#include "gesso/schema/json_schema.hpp"

namespace gesso::api {

// Nothing to say: 204.
struct NoContent {};

// A body that is not JSON, or is already.
struct Content {
  std::string type;
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
  std::optional<int> status = {};  // where not the operation's: 304
};

// What a browser keeps for us until it comes back from elsewhere. With the prefix `__Host-` of its
// name a browser takes the cookie over https alone, and from this very host: no other host of the
// domain can plant one of its own (RFC 6265bis, 4.1.3.2).
struct Cookie {
  std::string_view name;
  std::string value;
  std::chrono::seconds lifetime{0};
  // "Lax": sent back with a redirect from elsewhere; "Strict": by pages of the same site alone.
  std::string_view same_site = "Lax";

  // As `Set-Cookie` has it: shown to no script.
  [[nodiscard]] std::string text() const;
};
// The value of the cookie in the header's "a=1; b=2".
[[nodiscard]] std::optional<std::string_view> find_cookie(std::string_view header,
                                                          std::string_view name);

// 302 to somewhere else, and a cookie on the way.
struct Redirect {
  std::string location;
  std::optional<Cookie> cookie = {};
};

// A described struct, and a cookie beside it.
template <class T>
struct WithCookie {
  T value;
  Cookie cookie;
};

// Server-sent events, for as long as there are any.
struct EventStream {
  std::shared_ptr<http::BodySource> source;
};

namespace detail {

template <class T>
inline constexpr bool kHasCookie = false;
template <class T>
inline constexpr bool kHasCookie<WithCookie<T>> = true;

inline constexpr std::string_view kPageSuffix = "Page";
template <class T>
inline constexpr auto kPageName = [] {
  constexpr std::string_view name = schema::name_of<T>();
  std::array<char, name.size() + kPageSuffix.size()> text{};
  std::size_t size = 0;
  for (const char c : name) text[size++] = c;
  for (const char c : kPageSuffix) text[size++] = c;
  return text;
}();

}  // namespace detail

// Some items of a list, and where the next ones are.
template <class T>
struct Page {
  std::vector<T> items = {};
  std::optional<std::string> next_cursor = {};

  static constexpr std::string_view kName{detail::kPageName<T>.data(), detail::kPageName<T>.size()};
  static constexpr std::string_view kAbout = "Some items of a list, and where the next ones are.";

  BOOST_DESCRIBE_CLASS(Page, (), (items, next_cursor), (), ())
  friend constexpr auto gesso_fields(const Page*) {
    return std::to_array<schema::Field>(
        {{"items", "In the list's order."},
         {"next_cursor", "The `cursor` that gives the next page; null on the last one."}});
  }
};

struct OutputSchema {
  std::optional<bson::Document> json = {};  // the JSON Schema of a JSON body
  std::string_view type = {};               // of another body: "text/html"
  bool redirect = false;
};

namespace detail {

// Puts the output's id into "/api/v1/generations/{id}".
[[nodiscard]] std::string fill_location(std::string_view location, std::string_view id);
[[nodiscard]] http::Response json_response(int status, std::string body);
[[nodiscard]] http::Response redirect_response(const Redirect& redirect);
[[nodiscard]] http::Response events_response(const EventStream& events);
void forget_cookie(http::Response& response, std::string_view name);

}  // namespace detail

template <class T>
[[nodiscard]] http::Response encode_output(const T& value, int status, std::string_view location) {
  http::Response response = detail::json_response(status, schema::to_json(value));
  if constexpr (requires { value.id.str(); }) {
    if (!location.empty()) {
      response.headers.emplace_back("Location", detail::fill_location(location, value.id.str()));
    }
  }
  return response;
}
[[nodiscard]] inline http::Response encode_output(const NoContent&, int, std::string_view) {
  return {.status = 204, .content_type = ""};
}
[[nodiscard]] inline http::Response encode_output(const Content& content, int status,
                                                  std::string_view) {
  return {.status = content.status.value_or(status),
          .content_type = content.type,
          .headers = content.headers,
          .body = content.body};
}
[[nodiscard]] inline http::Response encode_output(const Redirect& redirect, int, std::string_view) {
  return detail::redirect_response(redirect);
}

[[nodiscard]] inline http::Response encode_output(const EventStream& events, int,
                                                  std::string_view) {
  return detail::events_response(events);
}

template <class T>
[[nodiscard]] http::Response encode_output(const WithCookie<T>& output, int status,
                                           std::string_view location) {
  http::Response response = encode_output(output.value, status, location);
  response.headers.emplace_back("Set-Cookie", output.cookie.text());
  return response;
}

// `request_id` is what the log has it under.
template <class P>
[[nodiscard]] http::Response encode_problem(const P& problem, std::string_view request_id) {
  http::Problem response{.status = P::kStatus,
                         .code = std::string(P::kCode),
                         .title = std::string(P::kTitle),
                         .detail = problem.detail,
                         .retry_after = problem.retry_after};
  if constexpr (schema::Described<P>) {
    boost::mp11::mp_for_each<schema::Members<P>>([&](auto member) {
      response.members.emplace_back(member.name, schema::to_json(problem.*member.pointer));
    });
  }
  http::Response encoded = http::to_response(response, request_id);
  if constexpr (P::kStatus == 401) encoded.headers.emplace_back("WWW-Authenticate", "Bearer");
  return encoded;
}

template <class T>
[[nodiscard]] OutputSchema output_schema() {
  if constexpr (std::same_as<T, NoContent>) {
    return {};
  } else if constexpr (std::same_as<T, Redirect>) {
    return {.redirect = true};
  } else if constexpr (std::same_as<T, EventStream>) {
    return {.type = "text/event-stream"};
  } else if constexpr (std::same_as<T, Content>) {
    return {.type = "*/*"};
  } else if constexpr (detail::kHasCookie<T>) {
    return output_schema<decltype(T::value)>();
  } else {
    return {.json = schema::json_schema_fragment<T>(schema::SchemaUse::kOutput)};
  }
}

}  // namespace gesso::api
