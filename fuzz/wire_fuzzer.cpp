// Messages from the network: what parse_message lets through must be safe to walk, and the strict
// reader of commands must take or refuse any of it.
#include <array>
#include <cstring>
#include <span>
#include <vector>

#include "gesso/base/error.hpp"
#include "gesso/localdb/engine/arguments.hpp"
#include "gesso/localdb/engine/tables.hpp"
#include "gesso/localdb/language/command_error.hpp"
#include "gesso/localdb/wire/message.hpp"

namespace {

using namespace gesso::localdb;

constexpr std::array<std::span<const Field>, 5> kTables = {
    kFindFields, kAggregateFields, kUpdateFields, kDeleteFields, kFindAndModifyFields};

void read_arguments(const wire::Message& message, std::span<const Field> fields) {
  try {
    const Arguments arguments("fuzz", fields, message.body, message.sequences);
    for (const Field& field : fields) {
      if (!arguments.has(field.name)) continue;
      if ((field.types & kArray) != 0 && arguments[field.name].is_array()) {
        (void)arguments.documents(field.name);
      }
      if ((field.types & ~kNumber) == 0) (void)arguments.integer(field.name, 0);
      if ((field.types & ~kFlag) == 0) (void)arguments.flag(field.name);
    }
  } catch (const CommandError&) {
  }
}

void take(std::span<const std::uint8_t> bytes) {
  try {
    const wire::Message message = wire::parse_message(bytes);
    for (const wire::Sequence& sequence : message.sequences) {
      for (const gesso::bson::View document : sequence.documents) (void)document.count();
    }
    for (const auto fields : kTables) read_arguments(message, fields);
    if (wire::reply_header(message, 1, 5).size < wire::kHeaderSize + 5) __builtin_trap();
  } catch (const gesso::Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  take({data, size});
  if (size < wire::kHeaderSize) return 0;
  // Again with the length put right, which a mutation seldom leaves so.
  std::vector<std::uint8_t> sealed(data, data + size);
  const auto length = static_cast<std::uint32_t>(size);
  std::memcpy(sealed.data(), &length, sizeof length);
  take(sealed);
  return 0;
}
