#include "gesso/client/mail_message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gesso/base/base64.hpp"
#include "tests/client/support.hpp"

namespace gesso::client {
namespace {

using ::testing::HasSubstr;

const Envelope kEnvelope{.from = "no-reply@example.com",
                         .from_name = "Gesso",
                         .date = Time{std::chrono::seconds{1'769'860'800}},
                         .message_id = "0011"};

TEST(Mail, HasTheHeadersAndTheTextOfItsMessage) {
  EXPECT_EQ(write_mail({"ada@example.com", "Verify your address", "Hello\nAda\n"}, kEnvelope),
            "Date: Sat, 31 Jan 2026 12:00:00 +0000\r\n"
            "From: Gesso\r\n <no-reply@example.com>\r\n"
            "To: ada@example.com\r\n"
            "Subject: Verify your address\r\n"
            "Message-ID: <0011@example.com>\r\n"
            "Auto-Submitted: auto-generated\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: 7bit\r\n"
            "\r\n"
            "Hello\r\nAda\r\n");
}

TEST(Mail, KeepsToTheLengthOfLines) {
  const std::string euros = [] {
    std::string text;
    for (int i = 0; i < 200; ++i) text += "\xE2\x82\xAC";
    return text;
  }();
  Envelope envelope = kEnvelope;
  envelope.from_name = euros;
  const std::string mail = write_mail({"ada@example.com", euros, std::string(5000, 'x')}, envelope);
  std::size_t start = 0;
  for (std::size_t end = 0; (end = mail.find("\r\n", start)) != std::string::npos;
       start = end + 2) {
    EXPECT_LE(end - start, 78U) << mail.substr(start, end - start);
  }
  EXPECT_EQ(start, mail.size()) << "every line ends with CRLF";
}

// What a reader makes of encoded words: each decoded by itself, the folds between them dropped.
std::string decoded(std::string_view header) {
  std::string text;
  while (header.starts_with("=?UTF-8?B?")) {
    const std::size_t end = header.find("?=");
    const auto part = base64_decode(header.substr(10, end - 10));
    EXPECT_TRUE(part);
    text += part.value_or("");
    header.remove_prefix(end + 2);
    if (header.starts_with("\r\n ")) header.remove_prefix(3);
  }
  EXPECT_EQ(header, "");
  return text;
}

TEST(Mail, EncodesWhatIsNotPlainInAHeader) {
  for (const std::string& subject :
       {std::string("Gr\xC3\xBC\xC3\x9F Gott"), std::string("=?UTF-8?B?eA==?="), std::string(" x"),
        std::string("x "), std::string(200, 'a'), std::string("\xF0\x9F\x8E\xA8")}) {
    EXPECT_EQ(decoded(encode_header(subject, 9)), subject);
  }
  EXPECT_EQ(encode_header("plain", 9), "plain");
  EXPECT_EQ(encode_header("", 9), "");
}

TEST(Mail, EncodesATextThatIsNotPlain) {
  for (const std::string& text :
       {std::string("Gr\xC3\xBC\xC3\x9F\n"), std::string(1000, 'x') + "\n",
        std::string("one\nFrom here\n"), std::string("\x1B[31m\n")}) {
    const std::string mail = write_mail({"ada@example.com", "s", text}, kEnvelope);
    EXPECT_THAT(mail, HasSubstr("Content-Transfer-Encoding: base64\r\n\r\n"));
    std::string body = mail.substr(mail.find("\r\n\r\n") + 4);
    std::erase_if(body, [](char c) { return c == '\r' || c == '\n'; });
    std::string read = base64_decode(body).value_or("");
    std::erase(read, '\r');
    EXPECT_EQ(read, text);
  }
}

TEST(Mail, RefusesWhatWouldAddHeadersOrRecipients) {
  const auto refused = [](const Mail& mail, Envelope envelope = kEnvelope) {
    const Error error = error_of([&] { (void)write_mail(mail, envelope); });
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    return std::string(error.what());
  };
  const std::string to = "ada@example.com";
  for (const std::string& subject :
       {std::string("a\r\nBcc: b@example.com"), std::string("a\nb"), std::string("a\rb"),
        std::string("a\0b", 3), std::string("\xFF")}) {
    EXPECT_THAT(refused({to, subject, ""}), HasSubstr("subject"));
  }
  EXPECT_THAT(refused({"a@example.com\r\nBcc: b@example.com", "s", ""}), HasSubstr("recipient"));
  EXPECT_THAT(refused({"a@example.com,b@example.com", "s", ""}), HasSubstr("recipient"));
  Envelope envelope = kEnvelope;
  envelope.from_name = "a\r\nBcc: b@example.com";
  EXPECT_THAT(refused({to, "s", ""}, envelope), HasSubstr("sender's name"));
  EXPECT_THAT(refused({to, "s", "\xFF"}), HasSubstr("text"));
}

TEST(Mail, KnowsAddresses) {
  for (const char* text : {"a@b", "ada.l+tag@mail.example.com", "o'hara@example.com"}) {
    EXPECT_TRUE(is_mail_address(text)) << text;
  }
  for (const char* text :
       {"", "a", "@b", "a@", "a@b@c", "a b@c", "<a@b>", "a@b>", "\"a b\"@c", ".a@b", "a.@b",
        "a..b@c", "a@.b", "a@b.", "a@b..c", "a@[127.0.0.1]", "\xC3\xBC@b", "a@\xC3\xBC"}) {
    EXPECT_FALSE(is_mail_address(text)) << text;
  }
  EXPECT_FALSE(is_mail_address(std::string(65, 'a') + "@b"));
  EXPECT_FALSE(is_mail_address("a@" + std::string(253, 'b')));
}

}  // namespace
}  // namespace gesso::client
