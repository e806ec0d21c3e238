#include "gesso/schema/email.hpp"

#include <algorithm>

namespace gesso::schema {
namespace {

constexpr std::size_t kLongestAddress = 254;  // RFC 5321, 4.5.3.1.3, less the angle brackets
constexpr std::size_t kLongestLocal = 64;     // RFC 5321, 4.5.3.1.1
constexpr std::size_t kLongestLabel = 63;     // RFC 1035, 2.3.4

// By hand, because <cctype> asks the locale.
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

// RFC 5322, 3.2.3
bool is_atext(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

// The rule that the part before the @ breaks, nullptr for none.
const char* local_fault(std::string_view local) {
  if (local.empty()) return "there must be something before the @-sign";
  if (local.size() > kLongestLocal) return "there are more than 64 bytes before the @-sign";
  if (local.front() == '"') return "a quoted part before the @-sign is not accepted";
  if (local.front() == '.') return "it must not start with a period";
  if (local.back() == '.') return "there must be no period right before the @-sign";
  if (local.find("..") != std::string_view::npos) return "it must not have two periods in a row";
  const bool atoms = std::ranges::all_of(local, [](char c) { return c == '.' || is_atext(c); });
  return atoms ? nullptr : "there is a character before the @-sign that must not be there";
}

const char* label_fault(std::string_view label) {
  if (label.empty())
    return "the domain has an empty label (two periods in a row, or one at an end)";
  if (label.size() > kLongestLabel) return "a label of the domain has more than 63 bytes";
  if (label.front() == '-' || label.back() == '-') {
    return "a label of the domain must not start or end with a hyphen";
  }
  const bool fits =
      std::ranges::all_of(label, [](char c) { return is_letter(c) || is_digit(c) || c == '-'; });
  return fits ? nullptr : "the domain has a character that must not be there";
}

const char* domain_fault(std::string_view domain) {
  if (domain.empty()) return "there must be something after the @-sign";
  if (domain.front() == '[') return "an address in brackets after the @-sign is not accepted";
  std::size_t labels = 0;
  std::string_view last;
  for (std::string_view rest = domain;;) {
    const std::size_t dot = rest.find('.');
    last = rest.substr(0, dot);
    if (const char* fault = label_fault(last)) return fault;
    ++labels;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (labels < 2) return "the part after the @-sign should have a period";
  // RFC 3696, 2: a top-level domain is not all-numeric.
  if (std::ranges::all_of(last, is_digit)) return "the domain must not end in a number";
  return nullptr;
}

// Blanks around an address are how it was typed, not part of it.
std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Top-level domains that no mail can reach, or that mean another machine on each network: RFC 3172
// (arpa), 6761 (invalid, localhost, test), 6762 (local), 7686 (onion). The `example` domains are
// not among them: programs should not treat those as special (RFC 6761, 6.5).
constexpr std::string_view kSpecialUse[] = {"arpa",      "invalid", "local",
                                            "localhost", "onion",   "test"};

const char* address_fault(std::string_view text) {
  if (!std::ranges::all_of(text, is_ascii)) {
    return "only ASCII is accepted; write an international domain in its xn-- form";
  }
  if (text.size() > kLongestAddress) return "it has more than 254 bytes";
  // The last @, so that a second one is found in the local part, where none may stand.
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return "an email address must have an @-sign";
  if (const char* fault = local_fault(text.substr(0, at))) return fault;
  return domain_fault(text.substr(at + 1));
}

}  // namespace

void Email::set(std::string_view text) {
  text_ = trimmed(text);
  for (char& c : text_) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
}

std::optional<Email> Email::parse(std::string_view text) {
  if (address_fault(trimmed(text)) != nullptr) return std::nullopt;
  Email email;
  email.set(text);
  return email;
}

std::optional<Violation> Email::check(std::string_view text) {
  const char* fault = address_fault(trimmed(text));
  if (fault == nullptr) return std::nullopt;
  Violation violation =
      value_error(std::string("value is not a valid email address: ") + fault, text);
  violation.expected = expected();
  return violation;
}

bool Email::has_special_use_domain() const noexcept {
  const std::string_view text = text_;
  const std::string_view last = text.substr(text.find_last_of("@.") + 1);
  return std::ranges::find(kSpecialUse, last) != std::end(kSpecialUse);
}

void Email::json_schema(bson::Builder& keywords) {
  keywords.append("type", "string")
      .append("format", "email")
      .append("maxLength", static_cast<std::int64_t>(kLongestAddress));
}

}  // namespace gesso::schema
