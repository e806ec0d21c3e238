#include "gesso/http/request.hpp"

#include <algorithm>

namespace gesso::http {
namespace {

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> decode(std::string_view text, char blank) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      result += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      result += text[i] == blank ? ' ' : text[i];
    }
  }
  return result;
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kPatch:
      return "PATCH";
    case Method::kDelete:
      return "DELETE";
    case Method::kOptions:
      return "OPTIONS";
    case Method::kOther:
      break;
  }
  return "OTHER";
}

void Headers::add(std::string_view name, std::string_view value) {
  if (entries_.empty()) {
    block_.reserve(512);
    entries_.reserve(16);
  }
  entries_.push_back({.name_at = static_cast<std::uint32_t>(block_.size()),
                      .name_size = static_cast<std::uint32_t>(name.size()),
                      .value_size = static_cast<std::uint32_t>(value.size())});
  block_.append(name).append(value);
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
  const std::string_view block = block_;
  for (const Entry& entry : entries_) {
    if (entry.name_size == name.size() &&
        equal_ignoring_case(block.substr(entry.name_at, entry.name_size), name)) {
      return block.substr(entry.name_at + entry.name_size, entry.value_size);
    }
  }
  return std::nullopt;
}

std::size_t Headers::count(std::string_view name) const noexcept {
  const std::string_view block = block_;
  return static_cast<std::size_t>(std::ranges::count_if(entries_, [&](const Entry& entry) {
    return equal_ignoring_case(block.substr(entry.name_at, entry.name_size), name);
  }));
}

std::string_view Request::param(std::string_view name) const noexcept {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  return {};
}

std::optional<std::string> percent_decode(std::string_view text) { return decode(text, '\0'); }

std::optional<std::string> form_decode(std::string_view text) { return decode(text, '+'); }

QueryParameters parse_query(std::string_view query) {
  QueryParameters result;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    result.emplace_back(form_decode(name).value_or(std::string(name)),
                        form_decode(value).value_or(std::string(value)));
  }
  return result;
}

bool equal_ignoring_case(std::string_view left, std::string_view right) noexcept {
  return std::ranges::equal(left, right, {}, lower, lower);
}

}  // namespace gesso::http
