#include "gesso/client/mail_message.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "gesso/base/base64.hpp"
#include "gesso/base/error.hpp"
#include "gesso/base/text.hpp"

namespace gesso::client {
namespace {

constexpr std::size_t kMaxLine = 78;        // RFC 5322, 2.1.1: what a line should keep to
constexpr std::size_t kMaxBase64Line = 76;  // RFC 2045, 6.8
constexpr std::string_view kWordStart = "=?UTF-8?B?";
constexpr std::string_view kWordEnd = "?=";

[[noreturn]] void refuse(std::string_view field, std::string_view expected) {
  throw Error(ErrorKind::kValidation,
              "a mail's " + std::string(field) + ": expected " + std::string(expected));
}

bool is_printable(char c) { return c >= ' ' && c < '\x7F'; }

void check_header(std::string_view field, std::string_view text) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7F'; };
  if (!is_utf8(text)) refuse(field, "UTF-8");
  if (std::ranges::any_of(text, is_control)) refuse(field, "one line without control characters");
}

void check_address(std::string_view field, std::string_view text) {
  if (!is_mail_address(text)) refuse(field, "an address such as ada@example.com");
}

// "Gesso <no-reply@example.com>": a name of plain words as it is (RFC 5322's phrase), any other
// encoded.
std::string mailbox(const std::string& name, const std::string& address) {
  if (name.empty()) return address;
  const bool is_phrase = std::ranges::all_of(
      name, [](char c) { return is_letter_or_digit(c) || c == ' ' || c == '-' || c == '_'; });
  std::string text(is_phrase && name.size() < 50 ? name : std::string());
  if (text.empty()) text = encode_header(name, kMaxLine);  // always in encoded words
  return text + "\r\n <" + address + ">";
}

// Whether a body can go as it is: ASCII in lines of a bearable length, none of which a relay reads
// as "From ".
bool is_plain_body(std::string_view text) {
  std::size_t line = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    line = text[i] == '\n' ? 0 : line + 1;
    if (line > kMaxLine || (!is_printable(text[i]) && text[i] != '\n' && text[i] != '\t')) {
      return false;
    }
  }
  return !text.starts_with("From ") && text.find("\nFrom ") == std::string_view::npos;
}

std::string with_crlf(std::string_view text) {
  std::string lines;
  lines.reserve(text.size() + text.size() / 32 + 2);
  for (const char c : text) {
    if (c == '\r') continue;
    if (c == '\n') lines += '\r';
    lines += c;
  }
  if (!lines.ends_with("\r\n")) lines += "\r\n";
  return lines;
}

}  // namespace

std::string mail_date(Time time) {
  constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                kDays[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  return text.data();
}

bool is_mail_address(std::string_view text) {
  constexpr std::string_view kLocal = "!#$%&'*+-/=?^_`{|}~.";  // RFC 5322's atext, and dots
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254) return false;
  const std::string_view local = text.substr(0, at);
  const std::string_view domain = text.substr(at + 1);
  const auto dotted = [](std::string_view part) {
    return !part.empty() && part.front() != '.' && part.back() != '.' &&
           part.find("..") == std::string_view::npos;
  };
  return dotted(local) && dotted(domain) &&
         std::ranges::all_of(local,
                             [&](char c) {
                               return is_letter_or_digit(c) ||
                                      kLocal.find(c) != std::string_view::npos;
                             }) &&
         std::ranges::all_of(domain,
                             [](char c) { return is_letter_or_digit(c) || c == '-' || c == '.'; });
}

std::string encode_header(std::string_view text, std::size_t name_length) {
  if (name_length + text.size() <= kMaxLine && std::ranges::all_of(text, is_printable) &&
      !text.starts_with(' ') && !text.ends_with(' ') && text.find("=?") == std::string_view::npos) {
    return std::string(text);
  }
  std::string words;
  // A word is at most 75 characters (RFC 2047, section 2), and the first shares its line with the
  // header's name.
  constexpr std::size_t kBytes = 39;
  static_assert(kWordStart.size() + kBytes / 3 * 4 + kWordEnd.size() <= 64);
  do {
    const std::string_view part = utf8_prefix(text, kBytes);
    if (!words.empty()) words += "\r\n ";
    words += kWordStart;
    words += base64_encode(part);
    words += kWordEnd;
    text.remove_prefix(part.size());
  } while (!text.empty());
  return words;
}

std::string write_mail(const Mail& mail, const Envelope& envelope) {
  check_address("recipient", mail.to);
  check_address("sender", envelope.from);
  check_header("sender's name", envelope.from_name);
  check_header("subject", mail.subject);
  check_header("Message-ID", envelope.message_id);
  if (!is_utf8(mail.text) || mail.text.find('\0') != std::string::npos) {
    refuse("text", "UTF-8 without NUL");
  }
  const bool is_plain = is_plain_body(mail.text);
  const std::string lines = with_crlf(mail.text);
  std::string text = "Date: " + mail_date(envelope.date) + "\r\n";
  text += "From: " + mailbox(envelope.from_name, envelope.from) + "\r\n";
  text += "To: " + mail.to + "\r\n";
  text += "Subject: " + encode_header(mail.subject, std::string_view("Subject: ").size()) + "\r\n";
  text += "Message-ID: <" + envelope.message_id + envelope.from.substr(envelope.from.find('@')) +
          ">\r\n";
  text += "Auto-Submitted: auto-generated\r\n";  // RFC 3834: no out-of-office answers, please
  text += "MIME-Version: 1.0\r\n";
  text += "Content-Type: text/plain; charset=utf-8\r\n";
  text += is_plain ? "Content-Transfer-Encoding: 7bit\r\n\r\n"
                   : "Content-Transfer-Encoding: base64\r\n\r\n";
  if (is_plain) return text + lines;
  const std::string encoded = base64_encode(lines);
  for (std::size_t i = 0; i < encoded.size(); i += kMaxBase64Line) {
    text += encoded.substr(i, kMaxBase64Line) + "\r\n";
  }
  return text;
}

}  // namespace gesso::client
