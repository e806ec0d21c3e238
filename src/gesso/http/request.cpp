#include "gesso/http/request.hpp"

#include <algorithm>

#include "gesso/base/text.hpp"

namespace gesso::http {
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

std::vector<std::string_view> Headers::all(std::string_view name) const {
  const std::string_view block = block_;
  std::vector<std::string_view> values;
  for (const Entry& entry : entries_) {
    if (equal_ignoring_case(block.substr(entry.name_at, entry.name_size), name)) {
      values.push_back(block.substr(entry.name_at + entry.name_size, entry.value_size));
    }
  }
  return values;
}

std::size_t Headers::count(std::string_view name) const noexcept {
  const std::string_view block = block_;
  return static_cast<std::size_t>(std::ranges::count_if(entries_, [&](const Entry& entry) {
    return equal_ignoring_case(block.substr(entry.name_at, entry.name_size), name);
  }));
}

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

}  // namespace gesso::http
