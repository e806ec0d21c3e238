// A mail as it is on the wire: the headers of RFC 5322, encoded words (RFC 2047) for what is not
// ASCII, and a plain text body (RFC 2045). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "gesso/base/clock.hpp"
#include "gesso/client/mail_client.hpp"

namespace gesso::client {

// "Sat, 31 Jan 2026 12:00:00 +0000"
[[nodiscard]] std::string mail_date(Time time);

// Whether a text can stand as the address of a sender or a recipient here: LOCAL@DOMAIN in
// printable ASCII without blanks, quotes, brackets, commas and the like, at most 254 characters
// (RFC 5321, 4.5.3.1.3). Addresses of RFC 6531, which are not ASCII, are not sent to.
[[nodiscard]] bool is_mail_address(std::string_view text);

// A header's value of any text: as it is where that is short and plain, or else encoded words,
// folded so that no line is longer than 78 characters. `name_length` is that of "Subject: ".
[[nodiscard]] std::string encode_header(std::string_view text, std::size_t name_length);

struct Envelope {
  std::string from;            // an address
  std::string from_name = {};  // "Gesso"; empty: the address alone
  Time date;
  std::string message_id;  // what stands before the "@" of the header Message-ID
};

// The mail with CRLF line ends; dots at the start of a line are the sender's to double.
//
// Throws Error kValidation, with the name of the field, for an address that is none, for text that
// is not UTF-8 and for a control character in a header, line ends above all: a subject that holds
// one would be able to add recipients (header injection).
[[nodiscard]] std::string write_mail(const Mail& mail, const Envelope& envelope);

}  // namespace gesso::client
