#include "gesso/mongo/detail/local_channel.hpp"

#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <span>
#include <string>

#include "gesso/base/error.hpp"

namespace gesso::mongo::detail {
namespace {

// OP_MSG with one section of kind 0, all numbers little-endian:
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/
constexpr std::uint32_t kOpMsg = 2013;
constexpr std::size_t kOpcodeAt = 12;
constexpr std::size_t kFlagsSize = 4;
constexpr std::size_t kHeaderSize = 16;
constexpr std::size_t kDocumentAt = kHeaderSize + kFlagsSize + 1;
constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kSmallestDocument = 5;

constexpr std::uint8_t kString = 2;  // BSON's type

void put(std::vector<std::uint8_t>& bytes, std::uint32_t number) {
  for (int shift = 0; shift < 32; shift += 8) {
    bytes.push_back(static_cast<std::uint8_t>(number >> shift));
  }
}

void put(std::vector<std::uint8_t>& bytes, std::string_view text) {
  bytes.insert(bytes.end(), text.begin(), text.end());
  bytes.push_back(0);
}

std::uint32_t number_at(std::span<const std::uint8_t> bytes, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number |= std::uint32_t{bytes[at + i]} << (8 * i);
  }
  return number;
}

// The command with its database, as the protocol wants it.
void write_message(std::vector<std::uint8_t>& message, std::string_view database,
                   bson::View command) {
  constexpr std::string_view kDatabaseKey = "$db";
  const std::size_t added = 1 + kDatabaseKey.size() + 1 + kLengthSize + database.size() + 1;
  const std::size_t document = command.size() + added;
  message.clear();
  message.reserve(kDocumentAt + document);
  put(message, static_cast<std::uint32_t>(kDocumentAt + document));
  put(message, 1);  // the request's id: there is one at a time
  put(message, 0);
  put(message, kOpMsg);
  put(message, 0);       // no flags
  message.push_back(0);  // the kind of section
  put(message, static_cast<std::uint32_t>(document));
  message.insert(message.end(), command.data() + kLengthSize, command.data() + command.size() - 1);
  message.push_back(kString);
  put(message, kDatabaseKey);
  put(message, static_cast<std::uint32_t>(database.size() + 1));
  put(message, database);
  message.push_back(0);
}

bson::View read_message(std::span<const std::uint8_t> answer) {
  if (answer.size() < kDocumentAt + kSmallestDocument || number_at(answer, kOpcodeAt) != kOpMsg ||
      answer[kDocumentAt - 1] != 0 ||
      number_at(answer, kDocumentAt) > answer.size() - kDocumentAt) {
    throw Error(ErrorKind::kUnavailable, "the server's answer is no message of the wire protocol");
  }
  return bson::View(answer.data() + kDocumentAt);
}

// As libmongoc has it: an error of the server, or a write that was done but not as widely as asked.
bool fail_if_refused(bson::View reply, bson_error_t& error) {
  const auto fail = [&](std::uint32_t domain, bson::View said) {
    const bson::Value text = said["errmsg"];
    bson_set_error(&error, domain, static_cast<std::uint32_t>(said["code"].integer().value_or(0)),
                   "%s", text.is_string() ? std::string(text.as_string()).c_str() : "");
    return false;
  };
  const bson::Value ok = reply["ok"];
  if (!ok.is_number() || ok.number() != 1) return fail(MONGOC_ERROR_SERVER, reply);
  if (const bson::Value concern = reply["writeConcernError"]; concern.is_document()) {
    return fail(MONGOC_ERROR_WRITE_CONCERN, concern.as_document());
  }
  return true;
}

bool fail_as_lost(const char* why, bson_error_t& error) {
  bson_set_error(&error, MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET, "%s", why);
  return false;
}

}  // namespace

bool LocalChannel::run(std::string_view database, bson::View command, Reply& reply,
                       bson_error_t& error) {
  const auto began = std::chrono::steady_clock::now();
  reply.clear();  // it may show bytes of a connection that ends here
  bool ok = false;
  try {
    const bson::View said = exchange(database, command);
    reply.borrow(said);
    ok = fail_if_refused(said, error);
  } catch (const std::exception& failure) {
    close();
    ok = fail_as_lost(failure.what(), error);
  } catch (...) {
    close();
    ok = fail_as_lost("the server threw something that is no std::exception", error);
  }
  tell(command, began, ok);
  return ok;
}

void LocalChannel::tell(bson::View command, std::chrono::steady_clock::time_point began,
                        bool ok) const noexcept {
  if (!shared_.time_command && !shared_.observe_command) return;
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now() - began);
  const std::string_view name = (*command.begin()).key;
  try {
    if (shared_.time_command) shared_.time_command(name, took, ok);
    if (shared_.observe_command) shared_.observe_command(name, command, took, ok);
  } catch (...) {  // NOLINT(bugprone-empty-catch): the observer's own affair
  }
}

bson::View LocalChannel::exchange(std::string_view database, bson::View command) {
  if (!connection_) {
    connection_ = shared_.open_local();
    shared_.open_connections.fetch_add(1, std::memory_order_relaxed);
  }
  write_message(message_, database, command);
  return read_message(connection_(message_));
}

void LocalChannel::close() {
  if (!connection_) return;
  connection_ = nullptr;
  shared_.open_connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace gesso::mongo::detail
