#include "gesso/azure/challenge.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::azure {
namespace {

bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// RFC 9110 section 5.6.2.
bool is_token_char(char c) {
  return is_alpha(c) || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

class Reader {
  std::string_view text_;

 public:
  explicit Reader(std::string_view text) : text_(text) {}

  [[nodiscard]] bool done() const { return text_.empty(); }
  [[nodiscard]] bool at(char c) const { return text_.starts_with(c); }
  void skip(std::size_t count) { text_.remove_prefix(std::min(count, text_.size())); }
  void skip_blanks() {
    while (at(' ') || at('\t')) skip(1);
  }

  std::string_view token() {
    std::size_t size = 0;
    while (size < text_.size() && is_token_char(text_[size])) ++size;
    const std::string_view out = text_.substr(0, size);
    skip(size);
    return out;
  }

  // A quoted string, or whatever stands before the next comma or blank. An unquoted URL is no
  // token by the grammar, but it is sent.
  std::string value() {
    std::string out;
    if (!at('"')) {
      const std::size_t end = std::min(text_.find_first_of(", \t"), text_.size());
      out = text_.substr(0, end);
      skip(end);
      return out;
    }
    skip(1);
    while (!done() && !at('"')) {
      if (at('\\') && text_.size() > 1) skip(1);
      out += text_.front();
      skip(1);
    }
    skip(1);
    return out;
  }
};

}  // namespace

std::optional<std::string_view> Challenge::get(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> out;
  Reader reader(header);
  while (!reader.done()) {
    const std::string_view name = reader.token();
    if (name.empty() && reader.at('"')) {
      (void)reader.value();  // a string that is nobody's value
      continue;
    }
    if (name.empty()) {
      reader.skip(1);  // a comma, a blank, or nothing that belongs here
      continue;
    }
    reader.skip_blanks();
    if (!reader.at('=')) {
      out.push_back({.scheme = lower(name), .parameters = {}});
      continue;
    }
    reader.skip(1);
    reader.skip_blanks();
    std::string value = reader.value();
    if (!out.empty()) out.back().parameters.emplace_back(lower(name), std::move(value));
  }
  return out;
}

std::optional<BearerChallenge> bearer_challenge(const client::HttpResponse& response) {
  for (const auto& [name, value] : response.headers) {
    if (name != "www-authenticate") continue;
    for (const Challenge& challenge : parse_challenges(value)) {
      if (challenge.scheme != "bearer") continue;
      const auto text = [&](std::string_view key) {
        return std::string(challenge.get(key).value_or(""));
      };
      BearerChallenge out{
          .authority = text("authorization"), .resource = text("resource"), .error = text("error")};
      if (out.authority.empty()) out.authority = text("authorization_uri");
      if (out.resource.empty()) {
        constexpr std::string_view kDefault = "/.default";
        out.resource = text("scope");
        if (out.resource.ends_with(kDefault)) {
          out.resource.resize(out.resource.size() - kDefault.size());
        }
      }
      return out;
    }
  }
  return std::nullopt;
}

}  // namespace gesso::azure
