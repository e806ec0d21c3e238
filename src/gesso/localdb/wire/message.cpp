#include "gesso/localdb/wire/message.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "gesso/base/error.hpp"
#include "gesso/localdb/wire/crc32c.hpp"

namespace gesso::localdb::wire {
namespace {

constexpr std::uint32_t kChecksumPresent = 1U << 0;
constexpr std::uint32_t kMoreToCome = 1U << 1;
// Bits 0 to 15 must be understood; the others may be ignored (kExhaustAllowed is bit 16).
constexpr std::uint32_t kRequiredFlags = 0xFFFFU;

// Deep enough to tell a document that is merely too deep, which gets a polite refusal, from one
// that is broken; shallow enough for the validator's recursion.
constexpr int kParseDepth = 1000;

constexpr std::uint32_t kAwaitCapable = 8;  // the flag of OP_REPLY that every server sets

[[noreturn]] void malformed(const std::string& what) {
  throw Error(ErrorKind::kValidation, "malformed message: " + what);
}

// Takes things off the front of the message.
class Reader {
  std::span<const std::uint8_t> rest_;

 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  template <class T>
  T number(std::string_view what) {
    return bson::detail::load<T>(take(sizeof(T), what).data());
  }

  std::string_view c_string(std::string_view what) {
    const auto zero = std::ranges::find(rest_, std::uint8_t{0});
    if (zero == rest_.end()) malformed(std::string(what) + " is not terminated");
    const auto length = static_cast<std::size_t>(zero - rest_.begin());
    const auto text = take(length + 1, what);
    return {reinterpret_cast<const char*>(text.data()), length};
  }

  // The next document; sets `too_deep` when only its depth is wrong.
  bson::View document(std::string_view what, bool& too_deep) {
    if (rest_.size() < 5) malformed(std::string(what) + " is cut short");
    const auto length = bson::detail::load<std::uint32_t>(rest_.data());
    if (length > rest_.size()) malformed(std::string(what) + " is longer than the message");
    const auto bytes = take(length, what);
    std::string why;
    std::optional<bson::View> view = bson::View::validate(bytes, &why);
    if (!view) {
      view = bson::View::validate(bytes, &why, kParseDepth);
      if (!view) malformed(std::string(what) + " is not BSON: " + why);
      too_deep = true;
    }
    return *view;
  }

  std::span<const std::uint8_t> take(std::size_t size, std::string_view what) {
    if (size > rest_.size()) malformed(std::string(what) + " is cut short");
    const auto taken = rest_.first(size);
    rest_ = rest_.subspan(size);
    return taken;
  }
};

Sequence read_sequence(Reader& reader, bool& too_deep) {
  const auto length = reader.number<std::uint32_t>("length of a document sequence");
  if (length < 5) malformed("a document sequence of " + std::to_string(length) + " bytes");
  Reader section(reader.take(length - 4, "document sequence"));
  Sequence sequence{.name = section.c_string("name of a document sequence"), .documents = {}};
  while (!section.at_end()) {
    sequence.documents.push_back(section.document("document of a sequence", too_deep));
  }
  return sequence;
}

void read_op_msg(std::span<const std::uint8_t> bytes, Message& message) {
  const auto flags = Reader(bytes.subspan(kHeaderSize)).number<std::uint32_t>("flags");
  if ((flags & kRequiredFlags & ~(kChecksumPresent | kMoreToCome)) != 0) {
    malformed("unknown required flags " + std::to_string(flags & kRequiredFlags));
  }
  message.wants_reply = (flags & kMoreToCome) == 0;

  std::span<const std::uint8_t> sections = bytes.subspan(kHeaderSize + 4);
  if ((flags & kChecksumPresent) != 0) {
    if (sections.size() < 4) malformed("checksum is cut short");
    sections = sections.first(sections.size() - 4);
    const auto expected =
        bson::detail::load<std::uint32_t>(bytes.data() + bytes.size() - sizeof(std::uint32_t));
    if (crc32c(bytes.first(bytes.size() - 4)) != expected) malformed("checksum does not agree");
  }

  Reader reader(sections);
  bool has_body = false;
  while (!reader.at_end()) {
    const auto kind = reader.number<std::uint8_t>("section kind");
    if (kind == 0) {
      if (has_body) malformed("two bodies");
      has_body = true;
      message.body = reader.document("body", message.nested_too_deep);
    } else if (kind == 1) {
      Sequence sequence = read_sequence(reader, message.nested_too_deep);
      const bool twice = std::ranges::any_of(
          message.sequences, [&](const Sequence& other) { return other.name == sequence.name; });
      if (twice) malformed("two document sequences of one name");
      message.sequences.push_back(std::move(sequence));
    } else {
      malformed("unknown section kind " + std::to_string(kind));
    }
  }
  if (!has_body) malformed("no body");
}

void read_op_query(std::span<const std::uint8_t> bytes, Message& message) {
  Reader reader(bytes.subspan(kHeaderSize));
  (void)reader.number<std::uint32_t>("flags");
  const std::string_view ns = reader.c_string("collection name");
  constexpr std::string_view kCommand = ".$cmd";
  if (!ns.ends_with(kCommand)) malformed("OP_QUERY is served for commands only");
  message.db = ns.substr(0, ns.size() - kCommand.size());
  (void)reader.number<std::int32_t>("numberToSkip");
  (void)reader.number<std::int32_t>("numberToReturn");
  message.body = reader.document("query", message.nested_too_deep);
  if (!reader.at_end()) (void)reader.document("returnFieldsSelector", message.nested_too_deep);
  if (!reader.at_end()) malformed("bytes behind the query");
  // A read preference other than primary wraps the command.
  const bson::Value wrapped = message.body["$query"];
  if (wrapped.is_document()) message.body = wrapped.as_document();
}

void put(ReplyHeader& header, std::uint32_t value) {
  std::memcpy(header.bytes.data() + header.size, &value, sizeof value);
  header.size += sizeof value;
}

}  // namespace

std::size_t message_length(std::span<const std::uint8_t> bytes) {
  const auto length = bson::detail::load<std::int32_t>(bytes.data());
  if (length < static_cast<std::int32_t>(kHeaderSize) ||
      static_cast<std::size_t>(length) > kMaxMessageSize) {
    malformed("length " + std::to_string(length) + " is not between " +
              std::to_string(kHeaderSize) + " and " + std::to_string(kMaxMessageSize));
  }
  return static_cast<std::size_t>(length);
}

Message parse_message(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderSize) malformed("header is cut short");
  if (message_length(bytes) != bytes.size()) malformed("length is not the message's");
  Message message;
  message.request_id = bson::detail::load<std::int32_t>(bytes.data() + 4);
  const auto op_code = bson::detail::load<std::int32_t>(bytes.data() + 12);
  message.op_code = static_cast<OpCode>(op_code);
  switch (message.op_code) {
    case OpCode::kMessage:
      read_op_msg(bytes, message);
      return message;
    case OpCode::kQuery:
      read_op_query(bytes, message);
      return message;
    case OpCode::kReply:
      break;
  }
  malformed("operation code " + std::to_string(op_code) + " is not served");
}

ReplyHeader reply_header(const Message& request, std::int32_t reply_id, std::size_t document_size) {
  const bool legacy = request.op_code == OpCode::kQuery;
  ReplyHeader header;
  const std::size_t prefix = legacy ? 36 : kHeaderSize + 5;
  put(header, static_cast<std::uint32_t>(prefix + document_size));
  put(header, static_cast<std::uint32_t>(reply_id));
  put(header, static_cast<std::uint32_t>(request.request_id));
  put(header, static_cast<std::uint32_t>(legacy ? OpCode::kReply : OpCode::kMessage));
  if (legacy) {
    put(header, kAwaitCapable);
    put(header, 0);  // cursor id, two halves
    put(header, 0);
    put(header, 0);  // starting from
    put(header, 1);  // documents
  } else {
    put(header, 0);                   // flags
    header.bytes[header.size++] = 0;  // a section of kind 0: the body
  }
  return header;
}

}  // namespace gesso::localdb::wire
