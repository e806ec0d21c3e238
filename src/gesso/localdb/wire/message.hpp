// The messages of the MongoDB wire protocol that localdb reads and writes: OP_MSG, and OP_QUERY
// with OP_REPLY for the handshake of older drivers.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
//
// Bytes in, views out; no I/O, no state. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gesso/bson/view.hpp"

namespace gesso::localdb::wire {

inline constexpr std::size_t kHeaderSize = 16;
inline constexpr std::size_t kMaxMessageSize = 48'000'000;

enum class OpCode : std::int32_t {
  kReply = 1,
  kQuery = 2004,
  kMessage = 2013,
};

// A section of kind 1: a list of documents beside the body, `documents` of an insert for example.
struct Sequence {
  std::string_view name;
  std::vector<bson::View> documents;
};

// One request, read out of bytes that it borrows.
struct Message {
  std::int32_t request_id = 0;
  OpCode op_code = OpCode::kMessage;
  bool wants_reply = true;       // false with the flag moreToCome
  bool nested_too_deep = false;  // well-formed, but deeper than bson::View::kMaxDepth
  std::string_view db;           // of OP_QUERY; OP_MSG carries it in the body as $db
  bson::View body;
  std::vector<Sequence> sequences;
};

// The length that a header announces, checked: at least a header, at most kMaxMessageSize.
// `bytes` holds four bytes or more. Throws Error (kValidation).
[[nodiscard]] std::size_t message_length(std::span<const std::uint8_t> bytes);

// Reads one whole message. Everything in it is validated, the checksum too where there is one.
// Throws Error (kValidation) that says what is wrong; the connection is then of no further use.
[[nodiscard]] Message parse_message(std::span<const std::uint8_t> bytes);

// What stands before the document of a reply; header and document together are the message.
struct ReplyHeader {
  std::array<std::uint8_t, 36> bytes{};
  std::size_t size = 0;
};

// The answer to `request` in the protocol that it came in.
[[nodiscard]] ReplyHeader reply_header(const Message& request, std::int32_t reply_id,
                                       std::size_t document_size);

}  // namespace gesso::localdb::wire
