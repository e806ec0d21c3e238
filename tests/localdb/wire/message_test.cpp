#include "gesso/localdb/wire/message.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/bson/builder.hpp"
#include "gesso/localdb/wire/crc32c.hpp"

namespace gesso::localdb::wire {
namespace {

using bson::make_array;
using bson::make_document;
using ::testing::HasSubstr;

using Bytes = std::vector<std::uint8_t>;

void put(Bytes& out, std::uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void put(Bytes& out, bson::View document) {
  out.insert(out.end(), document.data(), document.data() + document.size());
}

void put(Bytes& out, std::string_view text) {
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(0);
}

// Fills the length in.
Bytes sealed(Bytes message) {
  const auto size = static_cast<std::uint32_t>(message.size());
  std::memcpy(message.data(), &size, sizeof size);
  return message;
}

Bytes header(std::uint32_t op_code) {
  Bytes out;
  put(out, 0);
  put(out, 7);  // request
  put(out, 0);
  put(out, op_code);
  return out;
}

Bytes op_msg(std::uint32_t flags, bson::View body) {
  Bytes out = header(2013);
  put(out, flags);
  out.push_back(0);
  put(out, body);
  return sealed(out);
}

Bytes sequence(std::string_view name, const std::vector<bson::Document>& documents) {
  Bytes content;
  put(content, name);
  for (const bson::Document& document : documents) put(content, document);
  Bytes out{1};
  put(out, static_cast<std::uint32_t>(content.size() + 4));
  out.insert(out.end(), content.begin(), content.end());
  return out;
}

std::string why(const Bytes& bytes) {
  try {
    (void)parse_message(bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kValidation);
    return error.what();
  }
  return "";
}

const bson::Document kPing = make_document("ping", 1, "$db", "admin");

TEST(Message, ReadsTheBodyOfAnOpMsgFromItsBytes) {
  // {ping: 1} as a driver sends it, byte for byte.
  const Bytes bytes = {0x24, 0, 0, 0, 0x2A, 0,   0,   0,   0,   0, 0, 0, 0xDD, 0x07, 0,
                       0,              // header
                       0,    0, 0, 0,  // flags
                       0,              // kind 0
                       0x0F, 0, 0, 0, 0x10, 'p', 'i', 'n', 'g', 0, 1, 0, 0,    0,    0};
  const Message message = parse_message(bytes);
  EXPECT_EQ(message.request_id, 42);
  EXPECT_TRUE(message.wants_reply);
  EXPECT_EQ(bson::Document(message.body), make_document("ping", 1));
}

TEST(Message, WritesAReplyHeaderByteForByte) {
  Message request;
  request.request_id = 42;
  const ReplyHeader reply = reply_header(request, 9, 5);
  const Bytes expected = {26, 0, 0, 0, 9, 0, 0, 0, 42, 0, 0, 0, 0xDD, 0x07, 0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(Bytes(reply.bytes.begin(), reply.bytes.begin() + reply.size), expected);
}

TEST(Message, AnswersOpQueryWithOpReplyByteForByte) {
  Message request;
  request.op_code = OpCode::kQuery;
  request.request_id = 42;
  const ReplyHeader reply = reply_header(request, 9, 5);
  const Bytes expected = {41, 0, 0, 0, 9, 0, 0, 0, 42, 0, 0, 0, 1, 0, 0, 0, 8, 0,
                          0,  0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0, 0, 0, 1, 0, 0, 0};
  EXPECT_EQ(Bytes(reply.bytes.begin(), reply.bytes.begin() + reply.size), expected);
}

TEST(Message, ReadsDocumentSequencesBesideTheBody) {
  Bytes bytes = op_msg(0, make_document("insert", "c", "$db", "d"));
  const Bytes documents =
      sequence("documents", {make_document("a", 1), make_document("a", 2), make_document("a", 3)});
  bytes.insert(bytes.end(), documents.begin(), documents.end());
  const Bytes whole = sealed(bytes);
  const Message message = parse_message(whole);
  ASSERT_EQ(message.sequences.size(), 1U);
  EXPECT_EQ(message.sequences[0].name, "documents");
  ASSERT_EQ(message.sequences[0].documents.size(), 3U);
  EXPECT_EQ(message.sequences[0].documents[2]["a"].as_int32(), 3);
}

TEST(Message, TakesTheSequenceBeforeTheBodyToo) {
  Bytes bytes = header(2013);
  put(bytes, 0);
  const Bytes documents = sequence("documents", {make_document("a", 1)});
  bytes.insert(bytes.end(), documents.begin(), documents.end());
  bytes.push_back(0);
  put(bytes, make_document("insert", "c"));
  const Bytes whole = sealed(bytes);
  EXPECT_EQ(parse_message(whole).sequences.size(), 1U);
}

TEST(Message, MoreToComeAsksForNoReply) {
  EXPECT_FALSE(parse_message(op_msg(2, kPing)).wants_reply);
}

TEST(Message, IgnoresExhaustAllowed) {
  EXPECT_TRUE(parse_message(op_msg(1U << 16, kPing)).wants_reply);
}

TEST(Message, ChecksTheChecksumWhereThereIsOne) {
  Bytes bytes = op_msg(1, kPing);
  put(bytes, 0);
  bytes = sealed(bytes);
  const std::uint32_t checksum = crc32c(std::span(bytes).first(bytes.size() - 4));
  std::memcpy(bytes.data() + bytes.size() - 4, &checksum, 4);
  EXPECT_EQ(parse_message(bytes).body.size(), kPing.size());
  bytes.back() ^= 1U;
  EXPECT_THAT(why(bytes), HasSubstr("checksum does not agree"));
}

TEST(Message, ComputesTheCastagnoliChecksum) {
  const std::string text = "123456789";  // the check value of the polynomial
  EXPECT_EQ(crc32c({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}), 0xE3069283U);
}

TEST(Message, ReadsTheLegacyHandshake) {
  Bytes bytes = header(2004);
  put(bytes, 4);
  put(bytes, std::string_view("admin.$cmd"));
  put(bytes, 0);
  put(bytes, 0xFFFFFFFFU);
  put(bytes, make_document("isMaster", 1, "helloOk", true));
  const Bytes whole = sealed(bytes);
  const Message message = parse_message(whole);
  EXPECT_EQ(message.op_code, OpCode::kQuery);
  EXPECT_EQ(message.db, "admin");
  EXPECT_TRUE(message.body["helloOk"].as_bool());
}

TEST(Message, UnwrapsTheQueryThatCarriesAReadPreference) {
  Bytes bytes = header(2004);
  put(bytes, 4);
  put(bytes, std::string_view("admin.$cmd"));
  put(bytes, 0);
  put(bytes, 1);
  put(bytes, make_document("$query", make_document("isMaster", 1), "$readPreference",
                           make_document("mode", "secondary")));
  const Bytes whole = sealed(bytes);
  EXPECT_EQ(parse_message(whole).body.begin()->key, "isMaster");
}

TEST(Message, TellsADocumentThatIsTooDeepFromABrokenOne) {
  bson::Document deep = make_document("a", 1);
  for (int i = 0; i < 300; ++i) deep = make_document("a", deep);
  const Bytes whole = op_msg(0, deep);
  EXPECT_TRUE(parse_message(whole).nested_too_deep);
  EXPECT_FALSE(parse_message(op_msg(0, kPing)).nested_too_deep);
  for (int i = 0; i < 1000; ++i) deep = make_document("a", deep);
  EXPECT_THAT(why(op_msg(0, deep)), HasSubstr("too deep"));
}

struct Broken {
  std::string_view what;
  Bytes bytes;
};

class Malformed : public ::testing::TestWithParam<Broken> {};

TEST_P(Malformed, IsRefusedWithItsReason) {
  EXPECT_THAT(why(GetParam().bytes), HasSubstr(std::string(GetParam().what)));
}

Bytes changed(Bytes bytes, std::size_t at, std::uint8_t to) {
  bytes[at] = to;
  return bytes;
}

Bytes joined(Bytes bytes, const Bytes& more) {
  bytes.insert(bytes.end(), more.begin(), more.end());
  return sealed(bytes);
}

INSTANTIATE_TEST_SUITE_P(
    All, Malformed,
    ::testing::Values(
        Broken{"header is cut short", Bytes(15)},
        Broken{"length 15 is not between", changed(op_msg(0, kPing), 0, 15)},
        Broken{"length is not the message's", changed(op_msg(0, kPing), 0, 40)},
        Broken{"operation code 2012 is not served", sealed(joined(header(2012), Bytes(9)))},
        Broken{"operation code 1 is not served", sealed(joined(header(1), Bytes(20)))},
        Broken{"flags is cut short", sealed(header(2013))},
        Broken{"unknown required flags 4", op_msg(4, kPing)},
        Broken{"no body", joined(header(2013), Bytes(4))},
        Broken{"unknown section kind 2", changed(op_msg(0, kPing), 20, 2)},
        Broken{"two bodies", joined(op_msg(0, kPing), Bytes{0, 5, 0, 0, 0, 0})},
        Broken{"body is cut short", joined(joined(header(2013), Bytes(4)), Bytes{0, 5, 0, 0})},
        Broken{"longer than the message", changed(op_msg(0, kPing), 21, 0xFF)},
        Broken{"is not BSON", changed(op_msg(0, kPing), 25, 0x20)},
        Broken{"a document sequence of 4 bytes", joined(op_msg(0, kPing), Bytes{1, 4, 0, 0, 0})},
        Broken{"document sequence is cut short",
               joined(op_msg(0, kPing), Bytes{1, 99, 0, 0, 0, 'a', 0})},
        Broken{"name of a document sequence is not terminated",
               joined(op_msg(0, kPing), Bytes{1, 6, 0, 0, 0, 'a', 'b'})},
        Broken{"two document sequences of one name",
               joined(joined(op_msg(0, kPing), sequence("a", {})), sequence("a", {}))},
        Broken{"checksum is cut short", joined(joined(header(2013), Bytes{1, 0, 0, 0}), Bytes{0})},
        Broken{"collection name is not terminated",
               joined(header(2004), Bytes{0, 0, 0, 0, 'a', 'b'})},
        Broken{"served for commands only",
               joined(header(2004), Bytes{0, 0, 0, 0, 'a', '.', 'b', 0})}),
    [](const auto& one) { return std::to_string(one.index); });

TEST(Message, RefusesALengthBeyondTheLimit) {
  Bytes bytes;
  put(bytes, static_cast<std::uint32_t>(kMaxMessageSize));
  EXPECT_EQ(message_length(bytes), kMaxMessageSize);
  bytes[0] = static_cast<std::uint8_t>(bytes[0] + 1);
  EXPECT_THROW((void)message_length(bytes), Error);
  EXPECT_THROW((void)message_length(Bytes{0xFF, 0xFF, 0xFF, 0xFF}), Error);  // negative
}

// Every prefix of a good message, and every message with one byte changed, is taken or refused,
// never read beyond its end (the sanitizers watch).
TEST(Message, SurvivesEveryCutAndEveryChangedByte) {
  Bytes whole = op_msg(0, make_document("insert", "c", "$db", "d", "list", make_array(1, "x")));
  const Bytes documents = sequence("documents", {make_document("_id", 1, "t", "text")});
  whole = joined(whole, documents);
  int refused = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    if (size >= 4) cut = sealed(cut);
    if (!why(cut).empty()) ++refused;
  }
  EXPECT_GT(refused, 100);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0, 1, 0x7F, 0xFF}) {
      (void)why(changed(whole, at, static_cast<std::uint8_t>(value)));
    }
  }
}

}  // namespace
}  // namespace gesso::localdb::wire
