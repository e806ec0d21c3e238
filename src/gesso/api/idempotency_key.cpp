#include "gesso/api/idempotency_key.hpp"

#include <string>

namespace gesso::api {

std::optional<domain::IdempotencyKey> read_key(std::string_view text) {
  std::string key;
  if (text.starts_with('"')) {
    if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
    text = text.substr(1, text.size() - 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '"') return std::nullopt;
      if (text[i] == '\\' && (++i == text.size() || (text[i] != '"' && text[i] != '\\'))) {
        return std::nullopt;
      }
      key += text[i];
    }
  } else {
    key = text;
  }
  if (domain::IdempotencyKey::check(key)) return std::nullopt;
  return domain::IdempotencyKey(key);
}

}  // namespace gesso::api
