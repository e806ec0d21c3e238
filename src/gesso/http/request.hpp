// An HTTP request as a handler sees it: plain data, whole, already parsed. A value: whoever holds
// it owns it, and nothing in it refers to the connection.
#pragma once

#include <cstdint>
#include <optional>
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
  std::string client_address;  // of the peer
  std::string id;              // X-Request-ID: the client's if it sent a fit one, else ours
};

using QueryParameters = std::vector<std::pair<std::string, std::string>>;
// "a=1&b=x%20y" in its order. A pair whose encoding is broken keeps its text as it was sent.
[[nodiscard]] QueryParameters parse_query(std::string_view query);

}  // namespace gesso::http
