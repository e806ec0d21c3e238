// An HTTP request as a handler sees it: plain data, whole, already parsed. A value: whoever holds
// it owns it, and nothing in it keeps the connection.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gesso::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };

// "GET", "POST", ...; "OTHER" for a method that no route can have.
[[nodiscard]] std::string_view to_string(Method method) noexcept;

// Header fields in the order they came, in one block of memory.
class Headers {
  struct Entry {
    std::uint32_t name_at;
    std::uint32_t name_size;
    std::uint32_t value_size;  // the value stands behind the name
  };
  std::string block_;
  std::vector<Entry> entries_;

 public:
  void add(std::string_view name, std::string_view value);

  // The value of the first field of that name, in any case of letters.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  // The values of all fields of that name, in their order.
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;
  // How many fields of that name there are.
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
};

// What the parameters of a route's path stood for, decoded: {"id", "gen_01J..."}.
using PathParameters = std::vector<std::pair<std::string_view, std::string>>;

struct Request {
  Method method = Method::kGet;
  std::string path;   // as it was sent, percent-encoded, without the query: "/users/a%20b"
  std::string query;  // as it was sent, without the "?"
  Headers headers;
  std::string body;
  std::string id;  // X-Request-ID: the client's if it sent a fit one, else ours
  // Who asks: the peer's address, or the one that trusted proxies vouch for. "192.0.2.1", "::1".
  std::string client_address;
  bool is_https = false;  // TLS reaches us, or the trusted proxy that is nearest to the client
  // Becomes set when the client has gone while its request is in work: nobody will read the answer.
  // Also when the server cuts the connection. Its callbacks run on an I/O thread and must not
  // block.
  std::stop_token client_gone;
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;
// "a=1&b=x%20y" in its order. A pair whose encoding is broken keeps its text as it was sent.
[[nodiscard]] QueryParameters parse_query(std::string_view query);

}  // namespace gesso::http
